/**
 * `helm template` is not at hand where tests run. The templates are rendered by a small renderer of what they use
 * (testing/render-chart.ts), and the manifests held to Kubernetes' own schemas, to the program and to each other.
 */
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { limits } from '@wardround/coordinator/edge/limits.ts';
import { Ajv } from 'ajv';
import { StatefulSet } from 'kubernetes-models/apps/v1/StatefulSet';
import { Ingress } from 'kubernetes-models/networking.k8s.io/v1/Ingress';
import { NetworkPolicy } from 'kubernetes-models/networking.k8s.io/v1/NetworkPolicy';
import { PodDisruptionBudget } from 'kubernetes-models/policy/v1/PodDisruptionBudget';
import { Service } from 'kubernetes-models/v1/Service';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { notUnderstood, readsVariable } from '../docker/testing/program-commands.ts';
import { renderChart } from './testing/render-chart.ts';

const chart = path.join(import.meta.dirname, 'wardround');
const read = (file: string): string => readFileSync(path.join(chart, file), 'utf8');
const schema = JSON.parse(read('values.schema.json')) as object;
const defaults = parse(read('values.yaml')) as Record<string, object>;
const usual = { ...defaults, url: 'https://coordinator.example' };

/** What each manifest may be, with the schemas that Kubernetes publishes. */
const kinds = { StatefulSet, Service, Ingress, NetworkPolicy, PodDisruptionBudget };

// biome-ignore lint/suspicious/noExplicitAny: tests look into manifests freely
type Manifest = any;

function manifests(values: object): Map<string, Manifest> {
  const rendered = [...renderChart(chart, { name: 'trial', values }).values()].map((text) => parse(text) as Manifest);
  return new Map(rendered.map((manifest) => [manifest.kind as string, manifest]));
}

/** The names that anything in Kubernetes' schemas has: its validators pass over fields that they do not know. */
function knownNames(): ReadonlySet<string> {
  const packages = path.join(import.meta.dirname, '../../node_modules');
  const models = ['v1', 'apps/v1', 'networking.k8s.io/v1', 'policy/v1'].map((group) => `kubernetes-models/${group}`);
  const folders = [...models, '@kubernetes-models/apimachinery'].map((folder) => path.join(packages, folder));
  const texts = folders.flatMap((folder) => {
    const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.d.ts'));
    return files.map((file) => readFileSync(path.join(folder, file), 'utf8'));
  });
  return new Set([...texts.join('\n').matchAll(/"?([A-Za-z]+)"?\??:/g)].map(([, name]) => name!));
}

/** Every field's name, but those in maps that have names of their own choosing. */
function namesIn(value: unknown): string[] {
  if (Array.isArray(value)) return value.flatMap(namesIn);
  if (typeof value !== 'object' || value === null) return [];
  const free = ['labels', 'annotations', 'matchLabels', 'nodeSelector', 'requests', 'limits'];
  return Object.entries(value).flatMap(([name, one]) => (free.includes(name) ? [name] : [name, ...namesIn(one)]));
}

const variants: readonly (readonly [string, object])[] = [
  ['with its defaults', usual],
  [
    'with everything else',
    {
      ...usual,
      replicas: 5,
      blobStore: 's3://hospitals/trial',
      storeEndpoint: 'https://store.example:8333',
      storeRegion: 'eu-central-2',
      image: {
        repository: 'registry.example/wardround',
        tag: '0.1.0',
        pullPolicy: 'Always',
        pullSecrets: ['one', 'two'],
      },
      state: { size: '1Ti', storageClass: 'fast' },
      nodeSelector: { 'kubernetes.io/arch': 'amd64', disk: 'ssd' },
    },
  ],
  [
    'without ingress and network policy',
    {
      ...usual,
      ingress: { ...defaults['ingress'], enabled: false },
      networkPolicy: { ...defaults['networkPolicy'], enabled: false },
    },
  ],
];

describe.each(variants)('the chart %s', (name, values) => {
  const all = manifests(values);

  test('has values of its schema, and manifests of Kubernetes’ own', () => {
    expect(new Ajv().compile(schema)(values)).toBe(true);
    expect(all.size).toBe(name.startsWith('without') ? 3 : 5);
    const known = knownNames();
    for (const [kind, manifest] of all) {
      const model = new kinds[kind as keyof typeof kinds](manifest);
      expect([model.apiVersion, model.kind]).toEqual([manifest.apiVersion, manifest.kind]);
      expect(() => model.validate()).not.toThrow();
      expect(namesIn(manifest).filter((field) => !field.includes('/') && !known.has(field))).toEqual([]);
    }
  });

  test('selects its own pods everywhere, and mounts volumes that there are', () => {
    const { template, volumeClaimTemplates, selector } = all.get('StatefulSet').spec;
    const { labels } = template.metadata;
    const selectors = [selector.matchLabels, all.get('Service').spec.selector];
    selectors.push(all.get('PodDisruptionBudget').spec.selector.matchLabels);
    if (all.has('NetworkPolicy')) selectors.push(all.get('NetworkPolicy').spec.podSelector.matchLabels);
    selectors.push(template.spec.topologySpreadConstraints[0].labelSelector.matchLabels);
    for (const selected of selectors) {
      expect(labels).toMatchObject(selected);
      expect(selected).toMatchObject({ 'app.kubernetes.io/instance': 'trial' });
    }
    const volumes = [...template.spec.volumes, ...volumeClaimTemplates.map(({ metadata }: Manifest) => metadata)];
    const mounted = template.spec.containers[0].volumeMounts.map((mount: Manifest) => mount.name);
    expect(mounted.sort()).toEqual(volumes.map((volume: Manifest) => volume.name).sort());
    expect(all.get('StatefulSet').spec.serviceName).toBe(all.get('Service').metadata.name);
  });

  test('starts the coordinator with what it knows, as the image expects it', () => {
    const pod = all.get('StatefulSet').spec.template.spec;
    const [container] = pod.containers;
    expect(notUnderstood('wardround-coordinator', container.args)).toEqual([]);
    for (const { name: variable } of container.env) {
      expect([variable, readsVariable('wardround-coordinator', variable)]).toEqual([variable, true]);
    }
    const places = container.volumeMounts.map((mount: Manifest) => mount.mountPath);
    const dockerfile = readFileSync(path.join(import.meta.dirname, '../docker/coordinator.Dockerfile'), 'utf8');
    expect(dockerfile).toContain(`USER ${pod.securityContext.runAsUser}:${pod.securityContext.runAsGroup}`);
    expect(dockerfile).toContain(`EXPOSE ${container.ports[0].containerPort}`);
    expect(container.args).toContain(`--port=${container.ports[0].containerPort}`);
    expect(places).toContain(/VOLUME \["(.+)"\]/.exec(dockerfile)?.[1]);
    expect(container.securityContext).toMatchObject({ readOnlyRootFilesystem: true, allowPrivilegeEscalation: false });
    const routes = readFileSync(path.join(import.meta.dirname, '../../coordinator/edge/health-routes.ts'), 'utf8');
    for (const probe of ['startupProbe', 'livenessProbe', 'readinessProbe']) {
      expect(routes).toContain(`router.get('${container[probe].httpGet.path}'`);
    }
  });
});

describe('the chart’s ingress', () => {
  test('waits no shorter, and takes no less, than the coordinator does', () => {
    const { annotations } = manifests(usual).get('Ingress').metadata;
    const value = (name: string): number => Number.parseInt(annotations[`nginx.ingress.kubernetes.io/${name}`], 10);
    for (const wait of ['proxy-send-timeout', 'proxy-read-timeout']) {
      expect(1000 * value(wait)).toBeGreaterThan(limits.http.idleTimeoutMillis);
    }
    expect(value('proxy-body-size') * 2 ** 20).toBeGreaterThan(Math.max(limits.uploads.pieceBytes, limits.planBytes));
  });

  test('is at the host of the address that sites are given', () => {
    const { rules, tls } = manifests(usual).get('Ingress').spec;
    expect([rules[0].host, tls[0].hosts]).toEqual(['coordinator.example', ['coordinator.example']]);
  });
});

describe('values.schema.json', () => {
  const check = new Ajv().compile(schema);
  test.each<[string, object]>([
    ['an address that sites cannot use', { url: 'http://coordinator.example' }],
    ['no address', { url: '' }],
    ['a path in the address', { url: 'https://coordinator.example/wardround' }],
    ['no replicas', { replicas: 0 }],
    ['blobs that replicas do not share', { blobStore: '/var/lib/wardround' }],
    ['an image that moves', { image: { ...defaults['image'], tag: 'latest' } }],
    ['a misspelt value', { replica: 2 }],
    ['memory without a limit', { resources: { requests: {}, limits: {} } }],
  ])('refuses %s', (_name, change) => {
    expect(check(usual)).toBe(true);
    expect(check({ ...usual, ...change })).toBe(false);
  });
});

describe('renderChart()', () => {
  test('refuses what it does not know', () => {
    expect(() => renderChart(chart, { name: 'trial', values: {} })).toThrow('there is no .Values');
  });
});
