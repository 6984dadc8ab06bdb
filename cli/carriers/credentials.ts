import { call, pathOf } from '../http/client.ts';
import { parseObject } from '../terminal/arguments.ts';
import { Failure, wrongUsage } from '../terminal/failure.ts';
import { readText } from '../terminal/read-file.ts';

export type CredentialField = { name: string; required: boolean; secret: boolean; description: string };
export type CarrierKind = {
  name: string;
  title: string;
  can: { buy: boolean; messaging: string[] };
  credentials: CredentialField[];
};

export const credentialsHelp = `
Credentials are never arguments, because every user of the machine can read those. Give them as

  a JSON object in a file, or on stdin with -, such as {"account_sid":"AC…","secret":"…"}, or as
  environment variables, one for each field that \`carriers kinds\` lists:
  LINEKEEPER_CARRIER_ACCOUNT_SID, LINEKEEPER_CARRIER_SECRET and so on.`;

/** @param source the file, or \`true\` for the environment */
export async function readCredentials(source: string | true, carrier: string): Promise<object> {
  return source === true ? fromEnvironment(carrier) : fromFile(source);
}

async function fromFile(file: string): Promise<object> {
  const value = parseObject(await readText(file));
  // The message of JSON.parse would quote the secret.
  if (!value) throw new Failure(`${file} is not a JSON object`);
  return value;
}

async function fromEnvironment(carrier: string): Promise<object> {
  const { body } = await call<{ carriers: CarrierKind[] }>('GET', pathOf('carriers'));
  const kind = body.carriers.find(({ name }) => name === carrier);
  // The server rejects a carrier that it does not know.
  const fields = kind?.credentials ?? [];
  const missing = fields.filter(field => field.required && !process.env[variableOf(field)]);
  if (missing.length > 0)
    throw wrongUsage(
      `${kind!.title} needs ${missing.map(({ name }) => name).join(', ')}: set ${missing.map(variableOf).join(', ')}, or name a file with --credentials`,
    );
  const given = fields.filter(field => process.env[variableOf(field)]);
  return Object.fromEntries(given.map(field => [field.name, process.env[variableOf(field)]]));
}

const variableOf = ({ name }: CredentialField): string => `LINEKEEPER_CARRIER_${name.toUpperCase()}`;
