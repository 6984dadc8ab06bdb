import { type Command, Option } from 'commander';
import type { Static } from '../../schema/schema.ts';
import type { OrganizationStatus, RegistrationStatus } from '../../server/db/tables.ts';
import type { Organization as OrganizationSchema } from '../../server/organizations/schemas.ts';
import { change, changeCommand, organizationChangeCommand } from '../http/change.ts';
import { call, pathOf } from '../http/client.ts';
import { orNull, readDollars, requireChange } from '../terminal/arguments.ts';
import { command, group } from '../terminal/command.ts';
import { type Columns, fields, print, table } from '../terminal/output.ts';
import { counted, inDollars } from '../terminal/text.ts';

type Organization = Static<typeof OrganizationSchema>;
type OrganizationBody = { organization: Organization };
type OrganizationList = { organizations: Organization[]; count: number };

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

  changeCommand(organizations, 'create', 'Create an organization.', [
    'organizations create "Acme Dental" --contact-email ops@acme.example',
    'organizations create "Acme Dental" --id org_acme',
  ])
    .argument('<name>', 'its name')
    .option('--contact-email <email>', 'the address to write to')
    .option('--id <id>', 'an id of your own, for example from the system that you come from')
    .action(async (name, options) => {
      const body = { name, contact_email: options.contactEmail, unique_id: options.id };
      const answer = await change<OrganizationBody>(options, 'POST', pathOf('organizations'), { body });
      await print(options, answer, organizationFields);
    });

  command(organizations, 'list', 'List the organizations, the oldest first.', [
    'organizations list',
    'organizations list --json',
  ]).action(async options => {
    await print(
      options,
      await call<OrganizationList>('GET', pathOf('organizations')),
      body => table(columns, body.organizations),
      ({ count }) => counted(count, 'organization'),
    );
  });

  command(organizations, 'show', 'Show an organization.', ['organizations show org_abc123'])
    .argument('<id>', 'the id of the organization')
    .action(async (id, options) => {
      const answer = await call<OrganizationBody>('GET', pathOf('organizations', id));
      await print(options, answer, organizationFields);
    });

  defineEdit(organizations);
}

function defineEdit(organizations: Command): void {
  organizationChangeCommand(organizations, 'edit', 'Change the given fields of an organization.', [
    'organizations edit org_abc123 --sms-active true --sms-registration-status approved',
    'organizations edit org_abc123 --status suspended',
    'organizations edit org_abc123 --messaging-service MG0123456789abcdef0123456789abcdef',
  ])
    .argument('<id>', 'the id of the organization')
    .option('--name <name>', 'its name')
    .option('--contact-email <email>', 'the address to write to')
    .option('--no-contact-email', 'remove the address')
    .addOption(new Option('--status <status>', 'its status').choices(statuses))
    .addOption(
      new Option('--sms-active <boolean>', 'whether it may buy and use SMS numbers').choices([
        'true',
        'false',
      ]),
    )
    .addOption(
      new Option('--sms-registration-status <status>', 'the status of its 10DLC registration').choices(
        registrations,
      ),
    )
    .option('--carrier-account <id>', 'the account that buys for it, from `carriers list`')
    .option('--no-carrier-account', 'buy with the account of the settings')
    .option('--spending-cap <dollars>', 'the most that it is charged in a month', readDollars)
    .option('--no-spending-cap', 'use the cap of the settings')
    .option(
      '--messaging-service <id>',
      "Twilio's messaging service or Telnyx' messaging profile for its numbers",
    )
    .option('--no-messaging-service', 'remove the messaging service')
    .option('--campaign <id>', 'the 10DLC campaign of its numbers, if the carrier needs one')
    .option('--no-campaign', 'remove the campaign')
    .action(async (id, options) => {
      const body = requireChange({
        name: options.name,
        contact_email: orNull(options.contactEmail),
        status: options.status,
        sms_active: options.smsActive && options.smsActive === 'true',
        sms_registration_status: options.smsRegistrationStatus,
        carrier_account_id: orNull(options.carrierAccount),
        monthly_spending_cap: orNull(options.spendingCap),
        messaging_service_id: orNull(options.messagingService),
        campaign_id: orNull(options.campaign),
      });
      const answer = await change<OrganizationBody>(options, 'PATCH', pathOf('organizations', id), { body });
      await print(options, answer, organizationFields);
    });
}

const organizationFields = ({ organization: o }: OrganizationBody) =>
  fields({
    ID: o.unique_id,
    Name: o.name,
    Status: o.status,
    Contact: o.contact_email,
    'SMS active': o.sms_active,
    Registration: o.sms_registration_status,
    Submitted: o.registration_submitted_at ?? undefined,
    Approved: o.registration_approved_at ?? undefined,
    'Buying account': o.carrier_account_id ?? 'from the settings',
    'Monthly spending cap':
      o.monthly_spending_cap === null ? 'from the settings' : inDollars(o.monthly_spending_cap),
    'Messaging service': o.messaging_service_id ?? undefined,
    Campaign: o.campaign_id ?? undefined,
    'First number': o.sms_phone_number,
    Created: o.created_at,
    Modified: o.modified_at,
  });

const columns: Columns<Organization> = {
  ID: o => o.unique_id,
  NAME: o => o.name,
  STATUS: o => o.status,
  SMS: o => o.sms_active,
  REGISTRATION: o => o.sms_registration_status,
  'FIRST NUMBER': o => o.sms_phone_number,
};
