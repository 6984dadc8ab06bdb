import { type Static, Type } from '../../schema/schema.ts';
import { AreaCode, nullable, OrganizationId, oneOf, Timestamp, withDefault } from '../../schema/shapes.ts';
import type { RunStatus, RunType } from '../db/carrier-tables.ts';
import { timestamp } from '../http/operation.ts';
import { AnyFormat, DefaultCountry } from '../numbers/schemas.ts';
import type { MapEntry, Rule } from './adoption/rules.ts';
import { type Count, countNames, type Run as RunRow } from './runs.ts';

export const AccountParams = Type.Object({
  account_id: Type.String({ format: 'uuid', description: 'The id of the carrier account.' }),
});
export const RunId = Type.String({ format: 'uuid', description: 'The id of the run.' });
export const RunParams = Type.Object({ run_id: RunId });

const MayBeMissing = Type.Integer({
  minimum: 0,
  maximum: 100_000_000,
  description:
    "How many of your numbers may be missing from the carrier's list before the list counts as doubtful. Default: 20, or a tenth of your numbers there if that is more. An empty list is doubtful as soon as one number is missing. Set it when you know that many numbers are gone. Each missing number is still looked up.",
});

export const CompareQuery = Type.Object(
  { may_be_missing: Type.Optional(MayBeMissing) },
  { additionalProperties: false },
);

const text = (description: string, example: string) =>
  Type.Optional(Type.String({ minLength: 1, maxLength: 255, description, examples: [example] }));

const Rules = Type.Unsafe<Rule[]>(
  Type.Array(
    Type.Object(
      {
        organization_id: OrganizationId,
        subaccount: text('The subaccount that owns the number at the carrier.', 'AC0123'),
        tag: text('A tag of the number at the carrier.', 'acme'),
        name: text('The name of the number at the carrier.', 'Front desk'),
        name_starts_with: text('The beginning of that name.', 'Acme '),
        area_code: Type.Optional(AreaCode),
        everything: Type.Optional(Type.Literal(true, { description: 'Every number.' })),
      },
      { additionalProperties: false },
    ),
    {
      maxItems: 1000,
      description:
        'Rules that choose an organization for each number. The first rule whose conditions all hold applies. A number that matches no rule is not adopted.',
    },
  ),
);

const NumberMap = Type.Unsafe<MapEntry[]>(
  Type.Array(
    Type.Object(
      { phone_number: AnyFormat, organization_id: OrganizationId },
      { additionalProperties: false },
    ),
    {
      maxItems: 100_000,
      description: 'An organization for individual numbers. Takes precedence over the rules.',
    },
  ),
);

export const AdoptBody = Type.Object(
  {
    rules: withDefault(Type.Unsafe<Rule[]>({ ...Rules, default: [] })),
    map: withDefault(Type.Unsafe<MapEntry[]>({ ...NumberMap, default: [] })),
    default_country: DefaultCountry,
    dry_run: withDefault(
      Type.Boolean({
        default: true,
        description: 'If true, reports what would happen without changing anything.',
      }),
    ),
    may_be_missing: Type.Optional(MayBeMissing),
  },
  {
    additionalProperties: false,
    examples: [
      {
        rules: [
          { organization_id: 'org_abc123', tag: 'acme' },
          { organization_id: 'org_def456', everything: true },
        ],
        map: [{ phone_number: '+14155551234', organization_id: 'org_abc123' }],
        dry_run: true,
      },
    ],
  },
);

const statuses: RunStatus[] = ['listing', 'comparing', 'adopting', 'done', 'doubtful', 'failed'];
const types: RunType[] = ['compare', 'adopt'];

const explanations: Record<Count, string> = {
  listings: 'How often the listing was started.',
  pages: 'Pages of the list that were read.',
  listed: 'Numbers that the carrier listed.',
  unreadable: 'Listed numbers that are not valid phone numbers here.',
  looked_up: 'Numbers missing from the list that were looked up individually.',
  not_here: 'Numbers only at the carrier.',
  not_there: 'Numbers only here.',
  different: 'Numbers in both places with different data.',
  already_here: 'Numbers here with the same account and id as at the carrier.',
  to_adopt: 'Numbers that the adoption plans to add.',
  adopted: 'Numbers added so far.',
  to_link: 'Numbers here that the adoption plans to link to the account.',
  linked: 'Numbers linked so far.',
  passed_over: 'Planned numbers that were skipped because they had changed since.',
  unmatched: 'Numbers only at the carrier that match no rule.',
  conflicts: 'Numbers in another organization than the rules choose. They are not moved.',
  unlisted: 'Numbers of the map that the carrier did not list.',
  off_by:
    "The difference between the carrier's count and its list, because the account changed during the run.",
};

const Counts = Type.Object(
  {
    total: nullable(
      Type.Integer({ description: "The carrier's own count of its numbers. Null if it gives none." }),
    ),
    ...(Object.fromEntries(
      countNames.map(name => [name, Type.Integer({ description: explanations[name] })]),
    ) as Record<Count, ReturnType<typeof Type.Integer>>),
  },
  { additionalProperties: false, description: 'The counts so far.' },
);

const PlanPart = Type.Object(
  {
    organization_id: OrganizationId,
    adopt: Type.Integer({ description: 'Numbers to add to it.' }),
    link: Type.Integer({ description: 'Its numbers to link to the account.' }),
    sample: Type.Array(Type.String({ description: 'A number.' }), { description: 'A few of these numbers.' }),
  },
  { additionalProperties: false },
);

const runExample = {
  id: '0199f3a0-b1c2-7d3e-8f40-1a2b3c4d5e6f',
  carrier_account_id: '0199f3a0-a0b1-7c2d-8e3f-0a1b2c3d4e5f',
  type: 'adopt' as const,
  dry_run: true,
  status: 'done' as const,
  counts: {
    total: 3,
    ...(Object.fromEntries(countNames.map(name => [name, 0])) as Record<Count, number>),
    listings: 1,
    pages: 1,
    listed: 3,
    not_here: 3,
    to_adopt: 2,
    unmatched: 1,
  },
  plan: [{ organization_id: 'org_abc123', adopt: 2, link: 0, sample: ['+14155551234', '+14155555678'] }],
  problem: null,
  started_at: '2024-01-15T10:30:00Z',
  finished_at: '2024-01-15T10:30:04Z',
};

export const Run = Type.Object(
  {
    id: RunId,
    carrier_account_id: Type.String({ format: 'uuid', description: 'The carrier account.' }),
    type: oneOf(types, { description: '`compare` reports drift. `adopt` also adds and links numbers.' }),
    dry_run: Type.Boolean({ description: 'Whether this adoption only reports what it would do.' }),
    status: oneOf(statuses, {
      description:
        "The progress of the run. `doubtful`: the carrier's list contradicts itself or lacks too many numbers, so the run reports no drift. `done`, `doubtful` and `failed` are final.",
    }),
    counts: Counts,
    plan: Type.Unsafe<Static<typeof PlanPart>[] | null>({
      type: ['array', 'null'],
      items: PlanPart,
      description:
        'What the adoption does, or would do, by organization. Limited to the thousand organizations with the most numbers. Null until it is known.',
    }),
    problem: nullable(
      Type.String({ description: 'Why the run waits, or why its result is limited or missing.' }),
    ),
    started_at: Timestamp('When the run started.'),
    finished_at: nullable(Timestamp('When the run ended.', '2024-01-15T10:30:04Z')),
  },
  {
    description: 'A reconciliation run over all numbers of a carrier account.',
    additionalProperties: false,
    examples: [runExample],
  },
);

/** @param organizations public ids (`unique_id`) by internal id */
export function runBody(run: RunRow, organizations: Map<string, string>): Static<typeof Run> {
  const counts = countNames.map(name => [name, run.counts[name] ?? (name === 'listings' ? 1 : 0)]);
  return {
    id: run.id,
    carrier_account_id: run.carrier_account_id,
    type: run.type,
    dry_run: run.dry_run,
    status: run.status,
    counts: { total: run.counts.total ?? null, ...(Object.fromEntries(counts) as Record<Count, number>) },
    plan:
      run.plan?.map(part => ({ ...part, organization_id: organizations.get(part.organization_id)! })) ?? null,
    problem: run.problem,
    started_at: timestamp(run.started_at),
    finished_at: timestamp(run.finished_at),
  };
}

export const RunsQuery = Type.Object(
  {
    limit: withDefault(
      Type.Integer({
        minimum: 1,
        maximum: 100,
        default: 20,
        description: 'The maximum number of runs to return.',
      }),
    ),
    cursor: Type.Optional(
      Type.String({ format: 'uuid', description: 'The `next_cursor` of the previous page.' }),
    ),
  },
  { additionalProperties: false },
);
