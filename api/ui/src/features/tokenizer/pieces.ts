/** A token as it is shown: what it stands for, with blanks and ends of lines made visible. Pure. */
export function shown(token: string): string {
  return token.replaceAll(/[ Ġ▁]/g, "␣").replaceAll(/[\nĊ]/g, "⏎").replaceAll("\t", "⇥") || "∅";
}

/** The numbers in a text, which anything else parts. Pure. */
export function idsOf(text: string): number[] {
  return (text.match(/\d+/g) ?? []).map(Number);
}
