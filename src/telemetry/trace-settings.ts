/** Whether and how traces are recorded, by --otel and the standard variables of OpenTelemetry. */

export interface TraceSettings {
  readonly sampler: (typeof SAMPLERS)[number];
  /** The share of traces to keep, where the sampler is one of `traceidratio`. */
  readonly ratio: number;
}

const SAMPLERS = [
  'parentbased_always_on',
  'parentbased_always_off',
  'parentbased_traceidratio',
  'always_on',
  'always_off',
  'traceidratio',
] as const;
const PROTOCOL = 'http/json';

type Variables = { readonly [name: string]: string | undefined };

/**
 * Undefined when no traces are recorded: neither --otel nor a variable asks for them, or OTEL_SDK_DISABLED is true, or
 * OTEL_TRACES_EXPORTER is none.
 * @throws Error that names the variable that is wrong, and what it may be.
 */
export function traceSettings(isAsked: boolean, env: Variables): TraceSettings | undefined {
  const { OTEL_SDK_DISABLED: disabled, OTEL_TRACES_EXPORTER: exporter } = env;
  const hasEndpoint = Boolean(env.OTEL_EXPORTER_OTLP_TRACES_ENDPOINT || env.OTEL_EXPORTER_OTLP_ENDPOINT);
  const isMeant = isAsked || hasEndpoint || Boolean(exporter);
  if (!isMeant || disabled?.toLowerCase() === 'true' || exporter === 'none') return undefined;
  if (exporter && exporter !== 'otlp') throw new Error('OTEL_TRACES_EXPORTER must be otlp or none');
  requireProtocol(env);
  const sampler = env.OTEL_TRACES_SAMPLER || 'parentbased_always_on';
  if (!isSampler(sampler)) throw new Error(`OTEL_TRACES_SAMPLER must be one of ${SAMPLERS.join(', ')}`);
  const ratio = Number(env.OTEL_TRACES_SAMPLER_ARG || 1);
  if (!(ratio >= 0 && ratio <= 1)) throw new Error('OTEL_TRACES_SAMPLER_ARG must be a number from 0 to 1');
  return { sampler, ratio };
}

function isSampler(name: string): name is TraceSettings['sampler'] {
  return (SAMPLERS as readonly string[]).includes(name);
}

function requireProtocol(env: Variables): void {
  const protocol = env.OTEL_EXPORTER_OTLP_TRACES_PROTOCOL || env.OTEL_EXPORTER_OTLP_PROTOCOL || PROTOCOL;
  if (protocol !== PROTOCOL)
    throw new Error(
      `traces are sent by ${PROTOCOL}, which collectors take on port 4318: set OTEL_EXPORTER_OTLP_TRACES_PROTOCOL=${PROTOCOL}, or OTEL_TRACES_EXPORTER=none`,
    );
}
