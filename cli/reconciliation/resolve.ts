import type { Command } from 'commander';
import type { Action } from '../../server/reconciliation/drift/resolve.ts';
import { type ChangeOptions, change, changeCommand } from '../http/change.ts';
import { pathOf } from '../http/client.ts';
import { wrongUsage } from '../terminal/failure.ts';
import { fields, print } from '../terminal/output.ts';
import type { Drift } from './drift.ts';
import { exampleRun } from './run.ts';

type DriftBody = { drift: Drift };
type ResolveOptions = ChangeOptions & {
  adopt?: string;
  link?: boolean;
  forget?: boolean;
  ignore?: boolean;
  releaseAtCarrier?: boolean;
};

export function defineResolve(carriers: Command): void {
  changeCommand(carriers, 'resolve', 'Resolve the difference on one number, after the end of the run.', [
    `carriers resolve ${exampleRun} +14155551234 --adopt org_abc123`,
    `carriers resolve ${exampleRun} +14155551234 --forget`,
  ])
    .argument('<run>', 'the id of the run')
    .argument('<number>', 'the number, as `carriers drift` shows it')
    .option('--adopt <organization>', 'take it over into this organization (not_here)')
    .option('--link', 'put our number under the account, with the id that it has there (different)')
    .option('--forget', 'release our record, without a call to the carrier (not_there)')
    .option('--ignore', 'leave it as it is, also in later comparisons')
    .option('--release-at-carrier', 'give it back to the carrier, maybe for good (not_here)')
    .action(async (id, number, options) => {
      const path = pathOf('carrier-runs', id, 'drift', number, 'resolve');
      const body = actionOf(options);
      await print(options, await change<DriftBody>(options, 'POST', path, { body }), resolvedFields);
    });
}

function actionOf({ adopt, link, forget, ignore, releaseAtCarrier }: ResolveOptions): Action {
  const wanted: (Action | undefined | false)[] = [
    adopt !== undefined && { action: 'adopt', organization_id: adopt },
    link && { action: 'link' },
    forget && { action: 'forget' },
    ignore && { action: 'ignore' },
    releaseAtCarrier && { action: 'release_at_carrier', confirm: true },
  ];
  const [action, ...others] = wanted.filter(one => one !== undefined && one !== false);
  if (!action || others.length > 0)
    throw wrongUsage('Give exactly one of --adopt, --link, --forget, --ignore and --release-at-carrier');
  return action;
}

const resolvedFields = ({ drift }: DriftBody) =>
  fields({ Number: drift.phone_number, Pile: drift.pile, Resolved: drift.resolution });
