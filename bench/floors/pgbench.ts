import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { connectionsToDatabase, type Ours } from '../ours.ts';
import { lockStatement, logStatement, pickStatement, userStatement, writeStatement } from './changes-sql.ts';

const run = promisify(execFile);

export const pgbenchVersion = (): Promise<string | undefined> =>
  run('pgbench', ['--version']).then(
    ({ stdout }) => stdout.trim(),
    () => undefined,
  );

/** A claim as a pgbench script: the same statements, with variables instead of parameters. */
function script(organizationPrefix: string, organizations: number): string {
  const fill = (text: string, ...variables: string[]) =>
    text.replace(/\$(\d)/g, (_, place) => variables[Number(place) - 1]!).replace(/\s+/g, ' ');
  return [
    `\\set nth random(0, ${organizations - 1})`,
    'begin;',
    `${fill(lockStatement('unique_id'), ':tenant', `('${organizationPrefix}' || :nth)`)} \\gset l_`,
    `${fill(userStatement, ':tenant', ':l_id')} \\gset u_`,
    `${fill(pickStatement, ':tenant', ':l_id')} \\gset n_`,
    '\\set revision :l_revision + 1',
    `${fill(writeStatement, ':tenant', ':n_id', ':revision', ':l_now', ':l_id', 'gen_random_uuid()', ':u_id')};`,
    `${fill(logStatement, ':tenant', ':l_id', ':revision', ':l_now')};`,
    'commit;',
    '',
  ].join('\n');
}

/** @returns claims a second */
export async function claimsByPgbench(ours: Ours, prefix: string, organizations: number, count: number) {
  const folder = await mkdtemp(join(tmpdir(), 'lk-bench-'));
  try {
    const file = join(folder, 'claim.sql');
    await writeFile(file, script(prefix, organizations));
    const { stdout } = await run('pgbench', [
      ...['-h', join(ours.home, 'run'), '-U', 'linekeeper', '-n', '-M', 'prepared', '-j', '2'],
      ...['-c', `${connectionsToDatabase}`, '-t', `${Math.ceil(count / connectionsToDatabase)}`],
      ...['-D', `tenant=${ours.tenant}`, '-f', file, 'linekeeper'],
    ]);
    const failed = /number of failed transactions: (\d+)/.exec(stdout)?.[1];
    const speed = /tps = ([\d.]+) \(without/.exec(stdout)?.[1];
    if (speed === undefined || (failed !== undefined && failed !== '0'))
      throw new Error(`pgbench said: ${stdout}`);
    return Number(speed);
  } finally {
    await rm(folder, { recursive: true });
  }
}
