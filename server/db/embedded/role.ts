import pg from 'pg';

/** The role that the server works as: the owner of its database, without rights over anything else. */
export const servingRole = 'linekeeper_server';

/**
 * Makes the database and its owner, and what is in it the owner's: an older version worked as the superuser.
 * @param admin a connection of the superuser
 */
export async function prepareDatabase(admin: pg.ClientConfig, database: string): Promise<void> {
  const maker = await connect(admin);
  try {
    const role = await maker.query('select from pg_roles where rolname = $1', [servingRole]);
    if (role.rowCount === 0) await maker.query(`create role ${servingRole} login`);
    const owner = await maker.query<{ name: string }>(
      'select pg_get_userbyid(datdba) as name from pg_database where datname = $1',
      [database],
    );
    if (owner.rowCount === 0) await maker.query(`create database ${database} owner ${servingRole}`);
    else if (owner.rows[0]!.name !== servingRole)
      await maker.query(`alter database ${database} owner to ${servingRole}`);
  } finally {
    await maker.end();
  }
  const inside = await connect({ ...admin, database });
  try {
    await inside.query(handOver);
  } finally {
    await inside.end();
  }
}

/** In one transaction, and once: afterwards nothing is found. */
const handOver = `do $$
  declare
    statement text;
  begin
    for statement in
      select format('alter table %s owner to ${servingRole}', oid::regclass) from pg_class
      where relnamespace = 'public'::regnamespace and relkind = 'r' and relowner = current_user::regrole
      union all
      select format('alter function %s owner to ${servingRole}', oid::regprocedure) from pg_proc
      where pronamespace = 'public'::regnamespace and proowner = current_user::regrole
    loop
      execute statement;
    end loop;
  end
$$`;

async function connect(config: pg.ClientConfig): Promise<pg.Client> {
  const client = new pg.Client(config);
  client.on('error', () => {});
  await client.connect();
  return client;
}
