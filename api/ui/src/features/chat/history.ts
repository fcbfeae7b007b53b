import type { Conversation } from "./conversation";
import { united } from "./tree";

const NAME = "headrace";
const STORE = "conversations";

let opened: Promise<IDBDatabase> | null = null;

/** The browser's own database. Fails where the browser keeps nothing. */
function database(): Promise<IDBDatabase> {
  opened ??= new Promise<IDBDatabase>((resolve, reject) => {
    const request = indexedDB.open(NAME, 1);
    request.onupgradeneeded = () => request.result.createObjectStore(STORE, { keyPath: "id" });
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
  opened.catch(() => {
    opened = null;
  });
  return opened;
}

async function done<T>(mode: IDBTransactionMode, act: (store: IDBObjectStore) => IDBRequest<T>): Promise<T> {
  const transaction = (await database()).transaction(STORE, mode);
  const request = act(transaction.objectStore(STORE));
  await end(transaction);
  return request.result;
}

/** Keeps a conversation with the turns that another tab has kept of it meanwhile. */
async function keep(conversation: Conversation): Promise<void> {
  const transaction = (await database()).transaction(STORE, "readwrite");
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

/** The conversations that this browser keeps. They are sent nowhere. */
export const history = {
  all: () => done<Conversation[]>("readonly", (store) => store.getAll()),
  one: (id: string) => done<Conversation | undefined>("readonly", (store) => store.get(id)),
  keep,
  replace: (conversation: Conversation) => done("readwrite", (store) => store.put(conversation)),
  forget: (id: string) => done("readwrite", (store) => store.delete(id)),
};
