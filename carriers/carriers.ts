import type { CarrierKind } from './carrier.ts';
import { manual } from './manual/manual.ts';
import { sandbox } from './sandbox/sandbox.ts';
import { telnyx } from './telnyx/telnyx.ts';
import { twilio } from './twilio/twilio.ts';

/** All carriers, by their name in the API and the database. Add a new one here. */
export const carriers: Readonly<Record<string, CarrierKind>> = {
  sandbox,
  twilio,
  telnyx,
  manual,
};
