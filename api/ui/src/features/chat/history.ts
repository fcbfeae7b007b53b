import { owned } from "../../lib/owner";
import type { Conversation } from "./conversation";
import { united } from "./tree";

const STORE = "conversations";

const opened = new Map<string, Promise<IDBDatabase>>();

/** A database of the browser's own. Fails where the browser keeps nothing. */
function database(name: string): Promise<IDBDatabase> {
  const there = opened.get(name);
  if (there) return there;
  const opening = new Promise<IDBDatabase>((resolve, reject) => {
    const request = indexedDB.open(name, 1);
    request.onupgradeneeded = () => request.result.createObjectStore(STORE, { keyPath: "id" });
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
  opened.set(name, opening);
  opening.catch(() => opened.delete(name));
  return opening;
}

type Act<T> = (store: IDBObjectStore) => IDBRequest<T>;

async function done<T>(name: string, mode: IDBTransactionMode, act: Act<T>): Promise<T> {
  const transaction = (await database(name)).transaction(STORE, mode);
  const request = act(transaction.objectStore(STORE));
  await end(transaction);
  return request.result;
}

/** Keeps a conversation with the turns that another tab has kept of it meanwhile. */
async function keep(name: string, conversation: Conversation): Promise<void> {
  const transaction = (await database(name)).transaction(STORE, "readwrite");
  const store = transaction.objectStore(STORE);
  const request: IDBRequest<Conversation | undefined> = store.get(conversation.id);
  request.onsuccess = () => store.put(united(request.result, conversation));
  await end(transaction);
}

function end(transaction: IDBTransaction): Promise<void> {
  return new Promise((resolve, reject) => {
    transaction.oncomplete = () => resolve();
    transaction.onerror = () => reject(transaction.error);
    transaction.onabort = () => reject(transaction.error); // no room is left
  });
}

/** The conversations that this browser keeps for one owner. They are sent nowhere. */
export interface History {
  all: () => Promise<Conversation[]>;
  one: (id: string) => Promise<Conversation | undefined>;
  keep: (conversation: Conversation) => Promise<void>;
  replace: (conversation: Conversation) => Promise<unknown>;
  forget: (id: string) => Promise<unknown>;
}

/** Those of whoever this browser belongs to now, also if that is another later. */
export function ownHistory(): History {
  const name = owned("headrace");
  return {
    all: () => done<Conversation[]>(name, "readonly", (store) => store.getAll()),
    one: (id) => done<Conversation | undefined>(name, "readonly", (store) => store.get(id)),
    keep: (conversation) => keep(name, conversation),
    replace: (conversation) => done(name, "readwrite", (store) => store.put(conversation)),
    forget: (id) => done(name, "readwrite", (store) => store.delete(id)),
  };
}
