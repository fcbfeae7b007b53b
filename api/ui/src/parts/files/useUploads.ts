import { useEffect, useRef, useState } from "react";
import type { FileObject } from "../../api/files";
import { type Terms, uploaded } from "../../api/uploading";
import { newId } from "../../lib/ids";

/** A file on its way to the server. `share`: how much was sent, from 0 to 1; `error`: why it was not taken. */
export interface Upload {
  key: string;
  file: File;
  terms: Terms;
  share: number;
  error: Error | null;
}

/** The uploads that are under way or were refused, and what can be done. To leave the page stops them. */
export interface Uploads {
  all: readonly Upload[];
  begin: (files: readonly File[], terms: Terms) => void;
  again: (upload: Upload) => void;
  /** Stops one that is under way, and forgets one that was refused. */
  drop: (upload: Upload) => void;
}

/** Uploads files, each by itself; `onUploaded` is told of each that the server has taken. */
export function useUploads(onUploaded: (file: FileObject) => unknown): Uploads {
  const [all, setAll] = useState<readonly Upload[]>([]);
  const controls = useRef(new Map<string, AbortController>());
  const told = useRef(onUploaded);
  useEffect(() => {
    told.current = onUploaded;
  });
  useEffect(() => {
    const under = controls.current;
    return () => {
      for (const control of under.values()) control.abort();
    };
  }, []);

  const change = (key: string, to: Partial<Upload>) =>
    setAll((before) => before.map((one) => (one.key === key ? { ...one, ...to } : one)));
  const forget = (key: string) => setAll((before) => before.filter((one) => one.key !== key));

  const send = async ({ key, file, terms }: Upload) => {
    const control = new AbortController();
    controls.current.set(key, control);
    try {
      const done = await uploaded(file, terms, control.signal, (share) => change(key, { share }));
      forget(key);
      await told.current(done);
    } catch (error) {
      if (control.signal.aborted) forget(key);
      else change(key, { error: error as Error });
    } finally {
      controls.current.delete(key);
    }
  };

  const begin = (files: readonly File[], terms: Terms) => {
    const added = files.map((file): Upload => ({ key: newId(), file, terms, share: 0, error: null }));
    setAll((before) => [...before, ...added]);
    for (const one of added) void send(one);
  };
  const again = (upload: Upload) => {
    change(upload.key, { share: 0, error: null });
    void send(upload);
  };
  const drop = ({ key }: Upload) => {
    const control = controls.current.get(key);
    if (control) control.abort();
    else forget(key);
  };
  return { all, begin, again, drop };
}
