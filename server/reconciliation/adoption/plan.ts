import { sql } from 'kysely';
import type { Db } from '../../db/database.ts';
import type { PlanPart, Run } from '../runs.ts';

const partsMax = 1000;
const sampleMax = 5;

/** What an adoption will do in each organization. Limited to the thousand organizations with the most numbers. */
export async function planOf(db: Db, run: Run): Promise<PlanPart[]> {
  const { rows } = await sql<PlanPart>`
    select wanted_organization_id as organization_id,
      count(*) filter (where step = 'adopt') as adopt, count(*) filter (where step = 'link') as link,
      (array_agg(phone_number order by phone_number))[1:${sql.raw(String(sampleMax))}] as sample
    from carrier_drift where tenant_id = ${run.tenant_id} and run_id = ${run.id} and step is not null
    group by wanted_organization_id order by count(*) desc, wanted_organization_id limit ${partsMax}`.execute(
    db,
  );
  return rows;
}
