import { randomUUID } from 'node:crypto';
import type { Given } from '../testing/world.ts';

// What the fake Telnyx remembers of the one account that it has.

export type KeptNumber = {
  id: string;
  phone_number: string;
  status: 'purchase-pending' | 'active';
  tags: string[];
  reference: string | null;
  profile: string | null;
};

export type KeptOrder = {
  id: string;
  /** The one sub-order that it has. */
  part: string;
  phone_number: string;
  reference: string;
  status: 'pending' | 'success' | 'failure';
  /** False: it waits for papers, for ever. */
  requirementsMet: boolean;
  looks: number;
};

export type KeptAssignment = {
  phone_number: string;
  campaign: string;
  status: 'PENDING_ASSIGNMENT' | 'ASSIGNED' | 'FAILED_ASSIGNMENT';
  looks: number;
};

export type Registrations = { profile: string; openCampaign: string; closedCampaign: string };

export type FakeAccount = ReturnType<typeof createAccount>;

export function createAccount({ closedCampaign }: Registrations) {
  const forSale = new Set<string>();
  const searched = new Set<string>();
  const numbers = new Map<string, KeptNumber>();
  const orders: KeptOrder[] = [];
  const assignments = new Map<string, KeptAssignment>();
  let lastId = 1_293_384_261_075_731_499n;

  /** What a test can change of how things go. */
  const ways = {
    /** How many of the next orders will want papers, and will fail once they have been looked at. */
    wantPapers: 0,
    fail: 0,
    /** Whether a number is given its order's reference. */
    carryReference: true,
  };

  const isOurs = (phoneNumber: string) => numbers.get(phoneNumber)?.status === 'active';

  function add(phoneNumber: string, status: KeptNumber['status'], reference: string | null): KeptNumber {
    lastId += 1n;
    const number = {
      id: `${lastId}`,
      phone_number: phoneNumber,
      status,
      tags: [],
      reference,
      profile: null,
    };
    numbers.set(phoneNumber, number);
    return number;
  }

  /** An order is carried out between the first look at it and the second. */
  function look(order: KeptOrder): KeptOrder {
    order.looks += 1;
    if (order.status !== 'pending' || !order.requirementsMet || order.looks < 2) return order;
    const number = numbers.get(order.phone_number);
    if (ways.fail > 0) {
      ways.fail -= 1;
      abandon(order);
    } else if (number) {
      order.status = 'success';
      number.status = 'active';
      if (ways.carryReference) number.reference = order.reference;
    }
    return order;
  }

  function abandon(order: KeptOrder): void {
    order.status = 'failure';
    numbers.delete(order.phone_number);
  }

  return {
    ways,
    numbers,
    isOurs,

    stock(areaCode: string) {
      for (let line = 0; line < 20; line++) forSale.add(`+1${areaCode}55501${String(line).padStart(2, '0')}`);
    },
    takeAway: (phoneNumber: string) => forSale.delete(phoneNumber),
    own(given: Given[]) {
      for (const { phone_number, tags = [], reference = null } of given)
        add(phone_number, 'active', reference).tags = tags;
    },
    charges: (phoneNumber: string) =>
      orders.filter(order => order.phone_number === phoneNumber && order.status !== 'failure').length,

    search(isWanted: (phoneNumber: string) => boolean, limit: number): string[] {
      const found = [...forSale].filter(phoneNumber => !numbers.has(phoneNumber) && isWanted(phoneNumber));
      for (const phoneNumber of found.slice(0, limit)) searched.add(phoneNumber);
      return found.slice(0, limit);
    },
    order(phoneNumber: string, reference: string): KeptOrder | 'not searched' | 'taken' {
      if (numbers.has(phoneNumber)) return 'taken';
      if (!searched.has(phoneNumber)) return 'not searched';
      if (!forSale.has(phoneNumber)) return 'taken';
      const requirementsMet = ways.wantPapers === 0;
      if (!requirementsMet) ways.wantPapers -= 1;
      const order: KeptOrder = {
        id: randomUUID(),
        part: randomUUID(),
        phone_number: phoneNumber,
        reference,
        status: 'pending',
        requirementsMet,
        looks: 0,
      };
      orders.push(order);
      add(phoneNumber, 'purchase-pending', null);
      return order;
    },
    ordersWith: (reference: string) => orders.filter(order => order.reference === reference).map(look),
    cancel(part: string): KeptOrder | undefined {
      const order = orders.find(order => order.part === part && order.status === 'pending');
      if (order) abandon(order);
      return order;
    },

    byId: (id: string) => [...numbers.values()].find(number => number.id === id),
    release: (phoneNumber: string) => numbers.delete(phoneNumber) && assignments.delete(phoneNumber),

    assign(phoneNumber: string, campaign: string): KeptAssignment {
      const status = 'PENDING_ASSIGNMENT';
      const assignment: KeptAssignment = { phone_number: phoneNumber, campaign, status, looks: 0 };
      assignments.set(phoneNumber, assignment);
      return assignment;
    },
    assignment: (phoneNumber: string) => assignments.get(phoneNumber),
    /** As orders are carried out. */
    lookAtAssignment(phoneNumber: string): KeptAssignment | undefined {
      const assignment = assignments.get(phoneNumber);
      if (!assignment) return undefined;
      assignment.looks += 1;
      if (assignment.looks >= 2)
        assignment.status = assignment.campaign === closedCampaign ? 'FAILED_ASSIGNMENT' : 'ASSIGNED';
      return assignment;
    },
  };
}
