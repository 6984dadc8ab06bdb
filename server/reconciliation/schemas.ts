import { type Static, Type } from '../../schema/schema.ts';
import { nullable, OrganizationId, oneOf, Timestamp, withDefault } from '../../schema/shapes.ts';
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
    'How many of your numbers may be missing at the carrier before its list is doubted. Not given: 20, or a tenth of those that you have there if that is more, and never all of them. Give it when you know that so many are gone: each is looked up by itself all the same.',
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
        subaccount: text('The account below yours that it lies in.', 'AC0123'),
        tag: text('A tag that it has at the carrier.', 'acme'),
        name: text('The name that it has at the carrier.', 'Front desk'),
        name_starts_with: text('What that name begins with.', 'Acme '),
        area_code: Type.Optional(
          Type.String({
            pattern: '^[2-9][0-9]{2}$',
            description: 'The area code of a North American number.',
          }),
        ),
        everything: Type.Optional(Type.Literal(true, { description: 'Every number.' })),
      },
      { additionalProperties: false },
    ),
    {
      maxItems: 1000,
      description:
        'Which numbers go where: the first rule of which everything holds decides. A number that none fits is left alone.',
    },
  ),
);

const NumberMap = Type.Unsafe<MapEntry[]>(
  Type.Array(
    Type.Object(
      { phone_number: AnyFormat, organization_id: OrganizationId },
      { additionalProperties: false },
    ),
    { maxItems: 100_000, description: 'Numbers one by one; they go before the rules.' },
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
        description: 'If true, which it is unless you say otherwise, only tells what would happen.',
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
  listings: 'How often the list was begun.',
  pages: 'How many pages of the list were read.',
  listed: 'How many numbers the carrier has listed.',
  unreadable: 'How many of those are no numbers that could be kept here.',
  looked_up: 'How many numbers that the list lacks were looked up, each by itself.',
  not_here: 'How many are at the carrier and not here.',
  not_there: 'How many are here and not at the carrier.',
  different: 'How many are in both, and different.',
  already_here: 'How many are here as they are at the carrier.',
  to_adopt: 'How many an adoption takes over.',
  adopted: 'How many of those it has taken over so far.',
  to_link: 'How many that are here already an adoption puts under the account.',
  linked: 'How many of those it has done so far.',
  passed_over: 'How many had changed before it came to them, and were left alone.',
  unmatched: 'How many that are not here no rule fits.',
  conflicts: 'How many are in another organization than the rules say; they are not moved.',
  unlisted: 'How many numbers of the map the carrier has not listed.',
  off_by:
    "By how many the carrier's own count differs from what it has listed: the account changed meanwhile.",
};

const Counts = Type.Object(
  {
    total: nullable(
      Type.Integer({ description: 'How many numbers the carrier says that it has, if it does.' }),
    ),
    ...(Object.fromEntries(
      countNames.map(name => [name, Type.Integer({ description: explanations[name] })]),
    ) as Record<Count, ReturnType<typeof Type.Integer>>),
  },
  { additionalProperties: false, description: 'What was counted so far.' },
);

const PlanPart = Type.Object(
  {
    organization_id: OrganizationId,
    adopt: Type.Integer({ description: 'How many numbers are taken over into it.' }),
    link: Type.Integer({ description: 'How many that it has already are put under the account.' }),
    sample: Type.Array(Type.String({ description: 'A number.' }), { description: 'A few of them.' }),
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
    carrier_account_id: Type.String({ format: 'uuid', description: 'The account that it goes through.' }),
    type: oneOf(types, { description: 'What it is for.' }),
    dry_run: Type.Boolean({ description: 'Whether it is an adoption that only tells what it would do.' }),
    status: oneOf(statuses, {
      description:
        "How far it is. `doubtful`: the carrier's list cannot be right, and nothing is believed. `done`, `doubtful` and `failed` are the end.",
    }),
    counts: Counts,
    plan: Type.Unsafe<Static<typeof PlanPart>[] | null>({
      type: ['array', 'null'],
      items: PlanPart,
      description:
        'What an adoption does, or would do, by organization: the thousand with the most numbers. Null until that is known.',
    }),
    problem: nullable(
      Type.String({ description: 'Why it is waiting, or what there is to say against what it has found.' }),
    ),
    started_at: Timestamp('When it began.'),
    finished_at: nullable(Timestamp('When it ended.', '2024-01-15T10:30:04Z')),
  },
  {
    description: 'One going-through of everything that a carrier account owns.',
    additionalProperties: false,
    examples: [runExample],
  },
);

/** @param organizations by their own ids, the ids that the API knows them by */
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
    limit: withDefault(Type.Integer({ minimum: 1, maximum: 100, default: 20, description: 'Runs at most.' })),
    cursor: Type.Optional(
      Type.String({ format: 'uuid', description: 'The `next_cursor` of the page before.' }),
    ),
  },
  { additionalProperties: false },
);
