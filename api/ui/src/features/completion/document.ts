/** A text, and which stretches of it a model has written: from the first place to before the second. */
export interface Doc {
  text: string;
  written: readonly (readonly [number, number])[];
}

/** A text with a piece more that a model has written. Pure. */
export function grown({ text, written }: Doc, piece: string): Doc {
  if (!piece) return { text, written };
  const [last, end] = [written.at(-1), text.length];
  const longer: readonly [number, number] =
    last?.[1] === end ? [last[0], end + piece.length] : [end, end + piece.length];
  return { text: text + piece, written: last?.[1] === end ? [...written.slice(0, -1), longer] : [...written, longer] };
}

/** A text after a hand has changed it. What is typed within what a model has written is no longer the model's. Pure. */
export function retyped({ text, written }: Doc, now: string): Doc {
  const most = Math.min(text.length, now.length);
  let begin = 0;
  while (begin < most && text[begin] === now[begin]) begin += 1;
  let same = 0;
  while (same < most - begin && text[text.length - 1 - same] === now[now.length - 1 - same]) same += 1;
  const [end, shift] = [text.length - same, now.length - text.length];
  const left = written.flatMap(([from, to]) => [
    [from, Math.min(to, begin)] as const,
    [Math.max(from, end) + shift, to + shift] as const,
  ]);
  return { text: now, written: joined(left.filter(([from, to]) => from < to)) };
}

/** Stretches in order, those that meet as one. */
function joined(stretches: (readonly [number, number])[]): (readonly [number, number])[] {
  const found: (readonly [number, number])[] = [];
  for (const [from, to] of stretches.sort((a, b) => a[0] - b[0])) {
    const last = found.at(-1);
    if (last?.[1] === from) found[found.length - 1] = [last[0], to];
    else found.push([from, to]);
  }
  return found;
}

/** The text in parts, each of a hand's or of a model's. Pure. */
export function parts({ text, written }: Doc): { text: string; isWritten: boolean }[] {
  const found: { text: string; isWritten: boolean }[] = [];
  let at = 0;
  for (const [from, to] of written) {
    if (from > at) found.push({ text: text.slice(at, from), isWritten: false });
    found.push({ text: text.slice(from, to), isWritten: true });
    at = to;
  }
  if (at < text.length) found.push({ text: text.slice(at), isWritten: false });
  return found;
}
