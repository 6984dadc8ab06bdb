import { type Command, Option } from 'commander';
import type { Static } from '../../schema/schema.ts';
import type { OrganizationStatus, RegistrationStatus } from '../../server/db/tables.ts';
import type { Organization as OrganizationSchema } from '../../server/organizations/schemas.ts';
import { change, changing, idempotent } from '../http/change.ts';
import { call, pathOf } from '../http/client.ts';
import { readDollars } from '../terminal/arguments.ts';
import { command, group } from '../terminal/command.ts';
import { wrongUsage } from '../terminal/failure.ts';
import { fields, note, print, table } from '../terminal/output.ts';
import { counted, inDollars } from '../terminal/text.ts';

type Organization = Static<typeof OrganizationSchema>;
type One = { organization: Organization };

const statuses: OrganizationStatus[] = ['active', 'suspended', 'inactive'];
const registrations: RegistrationStatus[] = [
  'not_started',
  'brand_created',
  'pending_approval',
  'approved',
  'rejected',
];

export function organizationCommands(program: Command): void {
  const organizations = group(program, 'organizations', 'Create, show and edit organizations.', [
    'organizations list',
    'organizations create "Acme Dental"',
  ]);

  idempotent(organizations, 'create', 'Create an organization.', [
    'organizations create "Acme Dental" --contact-email ops@acme.example',
    'organizations create "Acme Dental" --id org_acme',
  ])
    .argument('<name>', 'what it is called')
    .option('--contact-email <email>', 'whom to write to')
    .option('--id <id>', 'an id of your own, when you migrate from elsewhere')
    .action(async (name, options) => {
      const body = { name, contact_email: options.contactEmail, unique_id: options.id };
      await print(options, await change<One>(options, 'POST', pathOf('organizations'), { body }), one);
    });

  command(organizations, 'list', 'List the organizations, the oldest first.', [
    'organizations list',
    'organizations list --json',
  ]).action(async options => {
    type All = { organizations: Organization[]; count: number };
    const answer = await call<All>('GET', pathOf('organizations'));
    await print(options, answer, body => many(body.organizations));
    if (!options.json) note(counted(answer.body.count, 'organization'));
  });

  command(organizations, 'show', 'Show an organization.', ['organizations show org_abc123'])
    .argument('<id>', "the organization's id")
    .action(async (id, options) => {
      await print(options, await call<One>('GET', pathOf('organizations', id)), one);
    });

  changing(organizations, 'edit', 'Change what is given of an organization.', [
    'organizations edit org_abc123 --sms-active true --sms-registration-status approved',
    'organizations edit org_abc123 --status suspended',
    'organizations edit org_abc123 --messaging-service MG0123456789abcdef0123456789abcdef',
  ])
    .argument('<id>', "the organization's id")
    .option('--name <name>', 'what it is called')
    .option('--contact-email <email>', 'whom to write to')
    .option('--no-contact-email', 'nobody to write to')
    .addOption(new Option('--status <status>', 'its standing').choices(statuses))
    .addOption(
      new Option('--sms-active <boolean>', 'whether it may buy and use SMS numbers').choices([
        'true',
        'false',
      ]),
    )
    .addOption(
      new Option('--sms-registration-status <status>', 'how far its 10DLC registration is').choices(
        registrations,
      ),
    )
    .option('--carrier-account <id>', 'the account that buys for it, from `carriers list`')
    .option('--no-carrier-account', 'that of the settings buys')
    .option('--spending-cap <dollars>', 'what it may be charged in a month', readDollars)
    .option('--no-spending-cap', 'that of the settings holds')
    .option(
      '--messaging-service <id>',
      "Twilio's service or Telnyx' profile that its numbers are attached to",
    )
    .option('--no-messaging-service', 'none')
    .option('--campaign <id>', 'the 10DLC campaign that they are attached to, where the carrier wants it')
    .option('--no-campaign', 'none')
    .action(async (id, options) => {
      const body = edited({
        name: options.name,
        contact_email: options.contactEmail === false ? null : options.contactEmail,
        status: options.status,
        sms_active: options.smsActive && options.smsActive === 'true',
        sms_registration_status: options.smsRegistrationStatus,
        carrier_account_id: options.carrierAccount === false ? null : options.carrierAccount,
        monthly_spending_cap: options.spendingCap === false ? null : options.spendingCap,
        messaging_service_id: options.messagingService === false ? null : options.messagingService,
        campaign_id: options.campaign === false ? null : options.campaign,
      });
      await print(options, await change<One>(options, 'PATCH', pathOf('organizations', id), { body }), one);
    });
}

/** What an edit changes; it must change something. */
export function edited<T extends object>(changes: T): T {
  if (Object.values(changes).every(value => value === undefined))
    throw wrongUsage('There is nothing to change: give at least one option that says what');
  return changes;
}

const one = ({ organization: o }: One) =>
  fields({
    ID: o.unique_id,
    Name: o.name,
    Status: o.status,
    Contact: o.contact_email,
    'SMS active': o.sms_active,
    Registration: o.sms_registration_status,
    Submitted: o.registration_submitted_at,
    Approved: o.registration_approved_at,
    'Buying account': o.carrier_account_id ?? 'that of the settings',
    'Monthly spending cap':
      o.monthly_spending_cap === null ? 'that of the settings' : inDollars(o.monthly_spending_cap),
    'Messaging service': o.messaging_service_id,
    Campaign: o.campaign_id,
    'First number': o.sms_phone_number,
    Created: o.created_at,
    Modified: o.modified_at,
  });

const many = (organizations: Organization[]) =>
  table(
    ['ID', 'NAME', 'STATUS', 'SMS', 'REGISTRATION', 'FIRST NUMBER'],
    organizations.map(o => [
      o.unique_id,
      o.name,
      o.status,
      o.sms_active,
      o.sms_registration_status,
      o.sms_phone_number,
    ]),
  );
