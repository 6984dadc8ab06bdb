/*
 * Counts that triggers keep (migration 0011). They are what the numbers and assignments of the same snapshot add up to.
 */

/** SQL for what number_counts must have. */
export const numbersCounted = `
  select tenant_id, organization_id, coalesce(area_code, '') as area_code, status, count(*) as count
  from phone_numbers where released_at is null group by 1, 2, 3, 4`;

/** SQL for what holder_counts must have. */
export const holdersCounted = `
  select tenant_id, organization_id, user_id, count(*) as count
  from assignments where ended_at is null group by 1, 2, 3`;
