/** Where credentials may travel: which URLs are taken, that TLS is checked, and what a proxy gets to see. */
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
  ])('%s is refused when the gateway is made, without repeating it', (url) => {
    expect(() => openGateway(new URL(url))).toThrow(GatewayOptionsError);
    expect(() => openGateway(new URL(url))).not.toThrow(/example|password/);
  });

  test.each([
    'https://api.example.com/crm',
    'http://127.0.0.1:1/crm',
    'http://localhost:1',
    'http://[::1]:1',
    'http://127.1:1',
  ])('%s is taken', async (url) => {
    await openGateway(new URL(url)).backend.close();
  });

  test('may end in a slash: paths begin behind it all the same', async () => {
    const upstream = await upstreamOf();
    await gatewayTo(new URL(`${upstream.base.href}///`)).ok('customer_list');
    expect(upstream.asked().map(({ path }) => path)).toEqual(['/crm/customer/list']);
  });
});

describe('TLS', () => {
  test('carries calls to an upstream whose certificate is trusted', async () => {
    const tls = makeCertificate();
    const upstream = await upstreamOf({ tls });
    expect(await gatewayTo(upstream.base, { ca: tls.cert }).ok('customer_list')).toEqual({ done: true });
  });

  test('an upstream nobody vouches for never sees a request, whatever the environment says', async () => {
    const upstream = await upstreamOf({ tls: makeCertificate() });
    process.env.NODE_TLS_REJECT_UNAUTHORIZED = '0';
    const error = await gatewayTo(upstream.base).refused('customer_create');
    delete process.env.NODE_TLS_REJECT_UNAUTHORIZED;
    expect(error).toMatchObject({
      error_code: 'crm.gateway_unavailable',
      retryable: false,
      details: { reason: 'tls_failed', outcome: 'not_done' },
    });
    expect(upstream.received).toEqual([]);
  });

  test('an upstream that speaks no TLS, or does not answer the handshake, was not reached', async () => {
    const plain = await upstreamOf();
    const gateway = gatewayTo(new URL(plain.base.href.replace('http:', 'https:')), { deadlineMs: 500 });
    expect(await gateway.refused('customer_create')).toMatchObject({
      error_code: 'crm.gateway_unavailable',
      details: { outcome: 'not_done' },
    });
    const silent = await listen(closeLater, () => {});
    expect(
      await gatewayTo(new URL(`https://127.0.0.1:${silent}`), { deadlineMs: 500 }).refused('customer_create'),
    ).toMatchObject({
      error_code: 'crm.gateway_unavailable',
      details: { reason: 'deadline', outcome: 'not_done' },
    });
  });
});

test('a request given up while its connection was made is never written', async () => {
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
    setTimeout(() => socket.pipe(through).pipe(socket), 500); // the handshake outlasts the caller's patience
  });
  const base = new URL(`https://127.0.0.1:${port}/crm`);
  const bare = createUpstream({ base, deadlineMs: 10_000, maxResponseBytes: 1024, ca: tls.cert });
  closeLater(() => bare.close());
  const request = { method: 'POST', path: '/crm/x', headers: {}, body: '{}' } as const;
  await expect(bare.send(request, 200, undefined)).rejects.toMatchObject({ reason: 'deadline', outcome: 'not_done' });
  for (let count = 0; count < 50 && bytes === 0; count += 1) await new Promise((done) => setTimeout(done, 50));
  await new Promise((done) => setTimeout(done, 300));
  expect(bytes).toBeGreaterThan(0);
  expect(upstream.received).toEqual([]);
});

/** Nobody resolves it, so only the proxy can carry the call. */
const NAME = 'upstream.invalid';

describe('a proxy', () => {
  test('of the environment is read in either case, with what is excepted', () => {
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

  test('is told the host alone: calls pass through it sealed', async () => {
    const tls = makeCertificate(NAME);
    const upstream = await upstreamOf({ tls });
    const proxy = await openProxy(closeLater, Number(upstream.base.port));
    const through = { url: proxy.url, except: '' };
    await gatewayTo(new URL(`https://${NAME}/crm`), { ca: tls.cert, proxy: through }).ok('customer_list');
    expect(upstream.asked()).toHaveLength(1);
    expect(proxy.seen[0]).toContain(`CONNECT ${NAME}:443 HTTP/1.1`);
    expect(proxy.seen.join('')).not.toMatch(new RegExp(`${SECRET}|x-api-key|customer`));
  });

  test('that leads to another host is found out before a request is sent', async () => {
    const tls = makeCertificate();
    const upstream = await upstreamOf({ tls });
    const proxy = await openProxy(closeLater, Number(upstream.base.port));
    const through = { url: proxy.url, except: '' };
    const gateway = gatewayTo(new URL(`https://${NAME}/crm`), { ca: tls.cert, proxy: through });
    expect((await gateway.refused('customer_create')).details).toMatchObject({ reason: 'tls_failed' });
    expect(upstream.received).toEqual([]);
  });

  test('is not asked about loopback', async () => {
    const tls = makeCertificate();
    for (const upstream of [await upstreamOf(), await upstreamOf({ tls })]) {
      const proxy = await openProxy(closeLater, Number(upstream.base.port));
      await gatewayTo(upstream.base, { ca: tls.cert, proxy: { url: proxy.url, except: '' } }).ok('customer_list');
      expect(proxy.seen).toEqual([]);
    }
  });

  test('that says nothing is let go soon after the deadline', async () => {
    const held = new Set<Socket>();
    const port = await listen(closeLater, (socket) => {
      held.add(socket.on('data', () => {}));
      socket.on('close', () => held.delete(socket));
    });
    const proxy = { url: new URL(`http://127.0.0.1:${port}`), except: '' };
    await gatewayTo(new URL(`https://${NAME}/crm`), { proxy, deadlineMs: 500 }).refused('customer_create');
    expect(held.size).toBeGreaterThan(0);
    for (let count = 0; count < 100 && held.size > 0; count += 1) await new Promise((done) => setTimeout(done, 100));
    expect(held.size).toBe(0);
  });

  test('that refuses or says nothing leaves a write undone', async () => {
    for (const [answer, reason] of [
      ['HTTP/1.1 407 Proxy Authentication Required\r\n\r\n', 'proxy_refused'],
      ['', 'deadline'],
    ] as const) {
      const port = await listen(closeLater, (socket) => socket.once('data', () => socket.write(answer)));
      const proxy = { url: new URL(`http://127.0.0.1:${port}`), except: '' };
      const gateway = gatewayTo(new URL(`https://${NAME}/crm`), { proxy, deadlineMs: 500 });
      expect(await gateway.refused('customer_create')).toMatchObject({
        error_code: 'crm.gateway_unavailable',
        details: { reason, outcome: 'not_done' },
      });
    }
  });

  test('is passed by for hosts that are excepted', async () => {
    const proxy = await openProxy(closeLater, 1);
    const gateway = gatewayTo(new URL(`https://api.${NAME}/crm`), {
      proxy: { url: proxy.url, except: `localhost,.${NAME}` },
      deadlineMs: 2_000,
    });
    expect((await gateway.refused('customer_list')).error_code).toBe('crm.gateway_unavailable');
    expect(proxy.seen).toEqual([]);
  });
});
