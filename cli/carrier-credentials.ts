import { call, pathOf } from './client.ts';
import { Failure, wrongUsage } from './failure.ts';
import { readWhole } from './upload.ts';

export type Field = { name: string; required: boolean; secret: boolean; description: string };
export type Kind = {
  name: string;
  title: string;
  can: { buy: boolean; messaging: string[] };
  credentials: Field[];
};

export const credentialsHelp = `
Credentials are never arguments, which everybody on the machine can read. They are either

  a JSON object in a file, or on stdin for -, such as {"account_sid":"AC…","secret":"…"}, or
  in the environment, a variable for each field that \`carriers kinds\` names:
  LINEKEEPER_CARRIER_ACCOUNT_SID, LINEKEEPER_CARRIER_SECRET and so on.`;

/** @param source the file, or \`true\` for the environment */
export async function readCredentials(source: string | true, carrier: string): Promise<object> {
  return source === true ? fromEnvironment(carrier) : fromFile(source);
}

async function fromFile(file: string): Promise<object> {
  const text = await readWhole(file);
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value;
  } catch {
    // Said below, without a word of what is in it.
  }
  throw new Failure(`${file} is not a JSON object`);
}

async function fromEnvironment(carrier: string): Promise<object> {
  const { body } = await call<{ carriers: Kind[] }>('GET', pathOf('carriers'));
  const kind = body.carriers.find(({ name }) => name === carrier);
  // A carrier that there is not is for the server to say.
  const fields = kind?.credentials ?? [];
  const missing = fields.filter(field => field.required && !process.env[variableOf(field)]);
  if (missing.length > 0)
    throw wrongUsage(
      `${kind!.title} needs ${missing.map(({ name }) => name).join(', ')}: set ${missing.map(variableOf).join(', ')}, or name a file with --credentials`,
    );
  const given = fields.filter(field => process.env[variableOf(field)]);
  return Object.fromEntries(given.map(field => [field.name, process.env[variableOf(field)]]));
}

const variableOf = ({ name }: Field): string => `LINEKEEPER_CARRIER_${name.toUpperCase()}`;
