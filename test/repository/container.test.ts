/** Checks Dockerfile and deploy/kubernetes, which nothing starts here: they agree with the program and each other. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { createProgram } from '../../src/commands/program.js';
import { LIVE_PATH, READY_PATH } from '../../src/transport/health.js';

const dockerfile = readFileSync('Dockerfile', 'utf8').replaceAll('\\\n', ' ');
const instructions = dockerfile.split('\n').filter((line) => /^[A-Z]+ /.test(line));
const named = (name: string) => instructions.filter((line) => line.startsWith(`${name} `));
/** What the build makes, and so no checkout has. */
const MADE = ['/app/dist', '/app/node_modules', '/data'];

describe('Dockerfile', () => {
  test('copies only what exists, and its ignore file leaves that in', () => {
    const sources = named('COPY')
      .flatMap((line) => line.split(/\s+/).slice(1, -1))
      .filter((word) => !word.startsWith('--'));
    expect(sources.length).toBeGreaterThan(8);
    const paths = sources.filter((source) => !MADE.includes(source)).map((source) => source.replace(/^\/app\//, ''));
    expect(paths.filter((path) => !existsSync(path))).toEqual([]);
    const ignored = readFileSync('.dockerignore', 'utf8')
      .split('\n')
      .filter((line) => /^[\w.]/.test(line));
    const needed = ['src', 'scripts', 'openapi', 'page', 'tsconfig.json', ...paths];
    expect(needed.filter((path) => ignored.includes(path))).toEqual([]);
  });

  test('starts the program as a user who is not root, on a Node that it supports', () => {
    expect(named('ENTRYPOINT')).toEqual(['ENTRYPOINT ["node", "/app/dist/main.js"]']);
    expect(named('USER')).toEqual(['USER 1000:1000']);
    const { engines } = JSON.parse(readFileSync('package.json', 'utf8')) as { engines: { node: string } };
    const [, least = ''] = />=(\d+)/.exec(engines.node) ?? [];
    for (const from of named('FROM'))
      expect(Number(/node:(\d+)/.exec(from)?.[1])).toBeGreaterThanOrEqual(Number(least));
    const command = JSON.parse(named('CMD')[0]?.slice(4) ?? '[]') as string[];
    expect(unknownFlags(command)).toEqual([]);
    const port = command[command.indexOf('--port') + 1];
    expect(named('EXPOSE')).toEqual([`EXPOSE ${port}`]);
    expect(named('HEALTHCHECK')[0]).toContain(`127.0.0.1:${port}${READY_PATH}`);
  });
});

describe.each(['deploy/kubernetes', 'deploy/kubernetes/sqlite'])('%s', (directory) => {
  const read = (file: string) => parse(readFileSync(join(directory, file), 'utf8'));
  const { resources } = read('kustomization.yaml') as { resources: string[] };
  const objects = resources.map(read);
  const workload = objects.find(({ kind }) => kind === 'Deployment' || kind === 'StatefulSet');
  const pod = workload.spec.template.spec;
  const [server] = pod.containers;

  test('lists its files', () => {
    const files = readdirSync(directory).filter((name) => name.endsWith('.yaml') && name !== 'kustomization.yaml');
    expect(resources.toSorted()).toEqual(files.sort());
  });

  test('starts the program with flags that it has, and ends it after its drain times', () => {
    expect(unknownFlags(server.args)).toEqual([]);
    const drain = server.args.map((arg: string) => Number(/^--drain-.*=(\d+)$/.exec(arg)?.[1] ?? 0));
    expect(pod.terminationGracePeriodSeconds).toBeGreaterThan(drain.reduce((sum: number, each: number) => sum + each));
  });

  test('probes the paths of the program, on its port', () => {
    const probes = [server.startupProbe, server.readinessProbe, server.livenessProbe].map(({ httpGet }) => httpGet);
    expect(probes.map(({ path }) => path)).toEqual([READY_PATH, READY_PATH, LIVE_PATH]);
    const [port] = server.ports;
    expect(server.args).toContain(`--port=${port.containerPort}`);
    expect(probes.every((probe) => probe.port === port.name)).toBe(true);
    const service = objects.find(({ kind }) => kind === 'Service');
    expect(service.spec.ports[0].targetPort).toBe(port.name);
  });

  test('selects its own pods, which have no rights and cannot write to their root', () => {
    const { labels } = workload.spec.template.metadata;
    const selectors = objects.flatMap(({ spec, kind }) =>
      kind === 'Service' ? [spec.selector] : [spec?.selector?.matchLabels, spec?.podSelector?.matchLabels],
    );
    for (const selector of selectors.filter(Boolean)) expect(selector).toEqual(labels);
    expect(pod.securityContext).toMatchObject({ runAsNonRoot: true, runAsUser: 1000 });
    expect(server.securityContext).toMatchObject({ readOnlyRootFilesystem: true, allowPrivilegeEscalation: false });
  });

  test('names secrets and volumes that exist', () => {
    const secret = objects.find(({ kind }) => kind === 'Secret');
    const keys = (server.env ?? []).flatMap(({ valueFrom }: { valueFrom?: { secretKeyRef: { key: string } } }) =>
      valueFrom === undefined ? [] : [valueFrom.secretKeyRef.key],
    );
    expect(Object.keys(secret?.stringData ?? {})).toEqual(expect.arrayContaining(keys));
    const claims = (workload.spec.volumeClaimTemplates ?? []).map(
      ({ metadata }: { metadata: { name: string } }) => metadata.name,
    );
    const volumes = [...(pod.volumes ?? []).map(({ name }: { name: string }) => name), ...claims];
    expect(server.volumeMounts.map(({ name }: { name: string }) => name)).toEqual(volumes);
  });
});

/** Flags of a command line that `http` does not have. */
function unknownFlags([command, ...args]: readonly string[]): readonly string[] {
  const options = createProgram('.').commands.find((one) => one.name() === command)?.options ?? [];
  const flags = args.filter((arg) => arg.startsWith('--')).map((arg) => arg.split('=')[0]);
  return flags.filter((flag) => !options.some(({ long }) => long === flag)) as string[];
}
