/** Room on the disk for what clients have not taken yet, in bytes: for all tenants together, and for each. */
export type Room = {
  /** How long an answer may wait for its client before it goes to the disk, in milliseconds. */
  patienceMs: number;
  /** How long it may wait if there is no room on the disk. */
  lastPatienceMs: number;
  /** @returns false, and takes nothing, if there is no room for so much */
  take(tenantId: string, bytes: number): boolean;
  giveBack(tenantId: string, bytes: number): void;
};

export type RoomOptions = { total: number; each: number; patienceMs: number; lastPatienceMs: number };

const defaults: RoomOptions = { total: 4e9, each: 1e9, patienceMs: 1000, lastPatienceMs: 60_000 };

export function createRoom(options: Partial<RoomOptions> = {}): Room {
  const { total, each, patienceMs, lastPatienceMs } = { ...defaults, ...options };
  const taken = new Map<string, number>();
  let free = total;
  return {
    patienceMs,
    lastPatienceMs,
    take(tenantId, bytes) {
      const has = taken.get(tenantId) ?? 0;
      if (bytes > free || has + bytes > each) return false;
      free -= bytes;
      taken.set(tenantId, has + bytes);
      return true;
    },
    giveBack(tenantId, bytes) {
      free += bytes;
      const left = (taken.get(tenantId) ?? 0) - bytes;
      if (left === 0) taken.delete(tenantId);
      else taken.set(tenantId, left);
    },
  };
}
