import { sql } from 'kysely';
import type { Db } from '../../db/database.ts';
import type { Counts, Run } from '../runs.ts';

/** Listed numbers with their intended organization. The map takes precedence over the rules. */
const listedNumbers = (run: Run) => sql`(
  select s.*, coalesce(m.organization_id::uuid, s.wanted_organization_id) as wanted_id
  from carrier_stock s
  left join (
    select e.key as phone_number, e.value as organization_id
    from carrier_runs r, jsonb_each_text(r.map) e where r.tenant_id = ${run.tenant_id} and r.id = ${run.id}
  ) m on m.phone_number = s.phone_number
  where s.tenant_id = ${run.tenant_id} and s.run_id = ${run.id})`;

/**
 * Finds the listed numbers that are `not_here` or `different`. Earlier look-ups have found those that are `not_there`.
 *
 * Numbers in transition are no drift: a number that an order may be buying, a number being released, and a number
 * released since the run began, which may have been listed before that.
 */
export async function findDrift(db: Db, run: Run): Promise<void> {
  await sql`
    insert into carrier_drift (tenant_id, run_id, phone_number, pile, wanted_organization_id, step,
      carrier_number_id, name, tags, reference, subaccount)
    select s.tenant_id, s.run_id, s.phone_number, 'not_here', s.wanted_id, case when s.wanted_id is not null then 'adopt' end,
      s.carrier_number_id, s.name, s.tags, s.reference, s.subaccount
    from ${listedNumbers(run)} s
    where not exists (
        select from phone_numbers n
        where n.tenant_id = s.tenant_id and n.phone_number = s.phone_number and n.released_at is null)
      and not exists (
        select from phone_numbers n
        where n.tenant_id = s.tenant_id and n.phone_number = s.phone_number
          and n.carrier_account_id = ${run.carrier_account_id} and n.released_at >= ${run.started_at})
      and not exists (${orderOf(run)})`.execute(db);
  await sql`
    insert into carrier_drift (tenant_id, run_id, phone_number, pile, organization_id, wanted_organization_id, step,
      carrier_number_id, name, tags, reference, subaccount, differences)
    select s.tenant_id, s.run_id, s.phone_number, 'different', n.organization_id, s.wanted_id,
      case when n.carrier_account_id is null and s.wanted_id = n.organization_id then 'link' end,
      s.carrier_number_id, s.name, s.tags, s.reference, s.subaccount, d.differences
    from ${listedNumbers(run)} s
    join phone_numbers n on n.tenant_id = s.tenant_id and n.phone_number = s.phone_number and n.released_at is null
      and n.release_due_at is null and n.status <> 'releasing'
    join organizations o on o.tenant_id = n.tenant_id and o.id = n.organization_id
    left join organizations w on w.tenant_id = s.tenant_id and w.id = s.wanted_id
    cross join lateral (
      select jsonb_agg(jsonb_build_object('field', field, 'here', here, 'there', there)) as differences
      from (values
        ('carrier_account_id', n.carrier_account_id::text, ${run.carrier_account_id}::text),
        ('carrier_number_id', n.carrier_number_id, s.carrier_number_id),
        ('organization_id', o.unique_id, coalesce(w.unique_id, o.unique_id))
      ) v(field, here, there)
      where here is distinct from there) d
    where d.differences is not null`.execute(db);
}

/** An order that may be buying the number `s` of the account. */
const orderOf = (run: Run) => sql`
  select from orders x
  where x.tenant_id = ${run.tenant_id} and x.carrier_account_id = ${run.carrier_account_id}
    and x.phone_number = s.phone_number and x.status in ('buying', 'settling')`;

/** Ignores drift again that was ignored in the last run and is unchanged. */
export async function carryIgnored(db: Db, run: Run): Promise<void> {
  await sql`
    update carrier_drift d
    set resolution = b.resolution, resolved_at = b.resolved_at, resolved_by_type = b.resolved_by_type, resolved_by_id = b.resolved_by_id
    from carrier_drift b
    where d.tenant_id = ${run.tenant_id} and d.run_id = ${run.id} and d.step is null
      and b.tenant_id = d.tenant_id and b.phone_number = d.phone_number and b.resolution = 'ignored'
      and b.pile = d.pile and b.carrier_number_id = d.carrier_number_id and b.differences = d.differences
      and b.run_id = (
        select id from carrier_runs r
        where r.tenant_id = ${run.tenant_id} and r.carrier_account_id = ${run.carrier_account_id} and r.status = 'done'
        order by id desc limit 1)`.execute(db);
}

export async function countDrift(db: Db, run: Run): Promise<Counts> {
  const mine = sql`tenant_id = ${run.tenant_id} and run_id = ${run.id}`;
  const { rows } = await sql<Counts>`
    select count(*) filter (where pile = 'not_here') as not_here,
      count(*) filter (where pile = 'not_there') as not_there,
      count(*) filter (where pile = 'different') as different,
      count(*) filter (where step = 'adopt') as to_adopt,
      count(*) filter (where step = 'link') as to_link,
      count(*) filter (where pile = 'not_here' and step is null) as unmatched,
      count(*) filter (where pile = 'different' and wanted_organization_id <> organization_id) as conflicts
    from carrier_drift where ${mine}`.execute(db);
  const here = await sql<Counts>`
    select count(*) as already_here from carrier_stock s
    join phone_numbers n on n.tenant_id = s.tenant_id and n.phone_number = s.phone_number and n.released_at is null
      and n.carrier_account_id = ${run.carrier_account_id} and n.carrier_number_id = s.carrier_number_id
    where s.tenant_id = ${run.tenant_id} and s.run_id = ${run.id}`.execute(db);
  const map = await sql<Counts>`
    select count(*) as unlisted from carrier_runs r, jsonb_object_keys(r.map) e
    where r.tenant_id = ${run.tenant_id} and r.id = ${run.id} and not exists (
      select from carrier_stock s
      where s.tenant_id = r.tenant_id and s.run_id = r.id and s.phone_number = e collate "C")`.execute(db);
  return { ...rows[0], ...here.rows[0], ...map.rows[0] };
}
