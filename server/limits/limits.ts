import { type Static, Type } from '../../schema/schema.ts';
import { nullable } from '../../schema/shapes.ts';

const most = 1_000_000_000_000;
const Count = (description: string, examples: number[], minimum = 0) =>
  nullable(Type.Integer({ minimum, maximum: most, description, examples }));

/** The limits that a tenant and a key may have. Null is none. */
const rates = {
  requests_per_second: nullable(
    Type.Number({
      minimum: 0.001,
      maximum: 1_000_000,
      description: 'Requests a second, over time. Null: no limit.',
      examples: [50],
    }),
  ),
  requests_burst: nullable(
    Type.Integer({
      minimum: 1,
      maximum: 1_000_000,
      description:
        'Requests at once after a pause, if `requests_per_second` is set. Null: as many as in one second.',
      examples: [200],
    }),
  ),
  // At least one, so that a key that has limited itself can undo that on the next day.
  requests_per_day: Count('Requests a day, in UTC. Null: no limit.', [1_000_000], 1),
  concurrent_requests: Count('Requests under way at once. Null: no limit.', [20], 1),
  import_bytes_per_day: Count('Bytes of imported files a day, in UTC. Null: no limit.', [1_000_000_000]),
};

/** Those that are the operator's alone. A null is the server's own default. */
const places = {
  connections: Count('Connections to the database at once. Null: 10.', [10], 1),
  long_answers: Count('Long lists and usage files at once. Null: 4.', [4], 1),
  imports: Count('Imports at once. Null: 2.', [2], 1),
  followers: Count('Readers that wait for the log at once. Null: 1000.', [1000], 1),
  numbers: Count('Live numbers and open orders. Null: no limit.', [100_000]),
};

export const RateNames = Object.keys(rates) as (keyof typeof rates)[];
export const TenantLimitNames = [...RateNames, ...(Object.keys(places) as (keyof typeof places)[])];

/** The limits that a tenant gives a key: those that are given change, null removes one. */
export const KeyLimitsEdit = Type.Partial(Type.Object(rates), {
  additionalProperties: false,
  description: 'The limits of the key. They come on top of those of the tenant. Null removes one.',
  examples: [{ requests_per_second: 50, requests_burst: 200, requests_per_day: 1_000_000 }],
});
/** As a key shows them: only those that are set. */
export const keyLimits = Type.Partial(Type.Object(rates)).properties;
export type KeyLimitsEdit = Static<typeof KeyLimitsEdit>;

/** The limits that the operator gives a tenant. */
export const TenantLimitsEdit = Type.Partial(Type.Object({ ...rates, ...places }), {
  additionalProperties: false,
});
export type TenantLimitsEdit = Static<typeof TenantLimitsEdit>;

type Set<Edit> = { [Name in keyof Edit]: NonNullable<Edit[Name]> };
/** As they are stored: only those that are set. */
export type KeyLimits = Set<KeyLimitsEdit>;
export type TenantLimits = Set<TenantLimitsEdit>;

/** Limits with an edit applied. */
export function withEdit<Limits extends TenantLimits>(limits: Limits, edit: TenantLimitsEdit): Limits {
  const all = Object.entries({ ...limits, ...edit });
  return Object.fromEntries(all.filter(([, value]) => value !== null && value !== undefined)) as Limits;
}
