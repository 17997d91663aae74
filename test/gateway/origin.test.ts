/** Where credentials can be sent: accepted gateway URLs, TLS verification, and what a proxy can see. */
import { connect, type Socket } from 'node:net';
import { describe, expect, test } from 'vitest';
import { GatewayOptionsError, proxyOf } from '../../src/gateway/origin.js';
import { createUpstream } from '../../src/gateway/upstream.js';
import { makeCertificate } from '../support/certificate.js';
import { openGateway, SECRET } from '../support/gateway.js';
import { listen, openProxy } from '../support/sockets.js';
import { closingUpstreams } from '../support/upstreams.js';

const { upstreamOf, gatewayTo, closeLater } = closingUpstreams();

describe('the gateway URL', () => {
  test.each([
    'http://api.example.com/crm',
    'http://10.0.0.7/crm',
    'http://127.example.com/crm',
    'http://localhost.example.com/crm',
    'http://[::2]/crm',
    'ftp://127.0.0.1/crm',
    'https://user:password@api.example.com/crm',
    'https://api.example.com/crm?key=1',
    'https://api.example.com/crm#top',
  ])('%s is rejected when the gateway is created, and not quoted in the error', (url) => {
    expect(() => openGateway(new URL(url))).toThrow(GatewayOptionsError);
    expect(() => openGateway(new URL(url))).not.toThrow(/example|password/);
  });

  test.each([
    'https://api.example.com/crm',
    'http://127.0.0.1:1/crm',
    'http://localhost:1',
    'http://[::1]:1',
    'http://127.1:1',
  ])('%s is accepted', async (url) => {
    await openGateway(new URL(url)).backend.close();
  });

  test('can end in slashes; paths are appended without them', async () => {
    const upstream = await upstreamOf();
    await gatewayTo(new URL(`${upstream.base.href}///`)).ok('customer_list');
    expect(upstream.requestsAfterStat().map(({ path }) => path)).toEqual(['/crm/customer/list']);
  });
});

describe('TLS', () => {
  test('carries calls to an upstream whose certificate is trusted', async () => {
    const tls = makeCertificate();
    const upstream = await upstreamOf({ tls });
    expect(await gatewayTo(upstream.base, { ca: tls.cert }).ok('customer_list')).toEqual({ done: true });
  });

  test('an upstream with an untrusted certificate receives no request, whatever the environment allows', async () => {
    const upstream = await upstreamOf({ tls: makeCertificate() });
    process.env.NODE_TLS_REJECT_UNAUTHORIZED = '0';
    const error = await gatewayTo(upstream.base).errorOf('customer_create');
    delete process.env.NODE_TLS_REJECT_UNAUTHORIZED;
    expect(error).toMatchObject({
      error_code: 'crm.gateway_unavailable',
      retryable: false,
      details: { reason: 'tls_failed', outcome: 'not_done' },
    });
    expect(upstream.received).toEqual([]);
  });

  test('an upstream without TLS, or one that does not complete the handshake, counts as not reached', async () => {
    const plain = await upstreamOf();
    const gateway = gatewayTo(new URL(plain.base.href.replace('http:', 'https:')), { deadlineMs: 500 });
    expect(await gateway.errorOf('customer_create')).toMatchObject({
      error_code: 'crm.gateway_unavailable',
      details: { outcome: 'not_done' },
    });
    const silent = await listen(closeLater, () => {});
    expect(
      await gatewayTo(new URL(`https://127.0.0.1:${silent}`), { deadlineMs: 500 }).errorOf('customer_create'),
    ).toMatchObject({
      error_code: 'crm.gateway_unavailable',
      details: { reason: 'deadline', outcome: 'not_done' },
    });
  });
});

test('a request that times out while its connection is established is never written', async () => {
  const tls = makeCertificate();
  const upstream = await upstreamOf({ tls });
  let bytes = 0;
  const port = await listen(closeLater, (socket) => {
    const through = connect(Number(upstream.base.port), '127.0.0.1');
    through
      .on('error', () => {})
      .on('data', (chunk) => {
        bytes += chunk.length;
      });
    socket.on('close', () => through.destroy());
    setTimeout(() => socket.pipe(through).pipe(socket), 500); // the handshake takes longer than the request's deadline
  });
  const base = new URL(`https://127.0.0.1:${port}/crm`);
  const bareUpstream = createUpstream({ base, deadlineMs: 10_000, maxResponseBytes: 1024, ca: tls.cert });
  closeLater(() => bareUpstream.close());
  const request = { method: 'POST', path: '/crm/x', headers: {}, body: '{}' } as const;
  await expect(bareUpstream.send(request, 200, undefined)).rejects.toMatchObject({
    reason: 'deadline',
    outcome: 'not_done',
  });
  for (let count = 0; count < 50 && bytes === 0; count += 1) await new Promise((done) => setTimeout(done, 50));
  await new Promise((done) => setTimeout(done, 300));
  expect(bytes).toBeGreaterThan(0);
  expect(upstream.received).toEqual([]);
});

/** The name does not resolve, so only the proxy can carry the call. */
const NAME = 'upstream.invalid';

describe('a proxy', () => {
  test('is read from environment variables in either case, together with its exceptions', () => {
    expect(proxyOf({})).toBeUndefined();
    expect(proxyOf({ HTTPS_PROXY: 'http://proxy:3128', NO_PROXY: 'a.com' })).toEqual({
      url: new URL('http://proxy:3128'),
      except: 'a.com',
    });
    expect(proxyOf({ https_proxy: 'http://low', HTTPS_PROXY: 'http://up' })?.url.host).toBe('low');
    expect(() => proxyOf({ HTTPS_PROXY: 'no url' })).toThrow(GatewayOptionsError);
    expect(() => openGateway(new URL('https://a.example'), { proxy: { url: new URL('ftp://p'), except: '' } })).toThrow(
      GatewayOptionsError,
    );
  });

  test('sees only the host: calls pass through it encrypted', async () => {
    const tls = makeCertificate(NAME);
    const upstream = await upstreamOf({ tls });
    const proxy = await openProxy(closeLater, Number(upstream.base.port));
    const through = { url: proxy.url, except: '' };
    await gatewayTo(new URL(`https://${NAME}/crm`), { ca: tls.cert, proxy: through }).ok('customer_list');
    expect(upstream.requestsAfterStat()).toHaveLength(1);
    expect(proxy.seen[0]).toContain(`CONNECT ${NAME}:443 HTTP/1.1`);
    expect(proxy.seen.join('')).not.toMatch(new RegExp(`${SECRET}|x-api-key|customer`));
  });

  test('that connects to another host is detected before a request is sent', async () => {
    const tls = makeCertificate();
    const upstream = await upstreamOf({ tls });
    const proxy = await openProxy(closeLater, Number(upstream.base.port));
    const through = { url: proxy.url, except: '' };
    const gateway = gatewayTo(new URL(`https://${NAME}/crm`), { ca: tls.cert, proxy: through });
    expect((await gateway.errorOf('customer_create')).details).toMatchObject({ reason: 'tls_failed' });
    expect(upstream.received).toEqual([]);
  });

  test('is not used for loopback', async () => {
    const tls = makeCertificate();
    for (const upstream of [await upstreamOf(), await upstreamOf({ tls })]) {
      const proxy = await openProxy(closeLater, Number(upstream.base.port));
      await gatewayTo(upstream.base, { ca: tls.cert, proxy: { url: proxy.url, except: '' } }).ok('customer_list');
      expect(proxy.seen).toEqual([]);
    }
  });

  test('that does not respond is disconnected soon after the deadline', async () => {
    const held = new Set<Socket>();
    const port = await listen(closeLater, (socket) => {
      held.add(socket.on('data', () => {}));
      socket.on('close', () => held.delete(socket));
    });
    const proxy = { url: new URL(`http://127.0.0.1:${port}`), except: '' };
    await gatewayTo(new URL(`https://${NAME}/crm`), { proxy, deadlineMs: 500 }).errorOf('customer_create');
    expect(held.size).toBeGreaterThan(0);
    for (let count = 0; count < 100 && held.size > 0; count += 1) await new Promise((done) => setTimeout(done, 100));
    expect(held.size).toBe(0);
  });

  test('that rejects the connection or does not respond leaves a write not done', async () => {
    for (const [answer, reason] of [
      ['HTTP/1.1 407 Proxy Authentication Required\r\n\r\n', 'proxy_refused'],
      ['', 'deadline'],
    ] as const) {
      const port = await listen(closeLater, (socket) => socket.once('data', () => socket.write(answer)));
      const proxy = { url: new URL(`http://127.0.0.1:${port}`), except: '' };
      const gateway = gatewayTo(new URL(`https://${NAME}/crm`), { proxy, deadlineMs: 500 });
      expect(await gateway.errorOf('customer_create')).toMatchObject({
        error_code: 'crm.gateway_unavailable',
        details: { reason, outcome: 'not_done' },
      });
    }
  });

  test('is bypassed for excepted hosts', async () => {
    const proxy = await openProxy(closeLater, 1);
    const gateway = gatewayTo(new URL(`https://api.${NAME}/crm`), {
      proxy: { url: proxy.url, except: `localhost,.${NAME}` },
      deadlineMs: 2_000,
    });
    expect((await gateway.errorOf('customer_list')).error_code).toBe('crm.gateway_unavailable');
    expect(proxy.seen).toEqual([]);
  });
});
