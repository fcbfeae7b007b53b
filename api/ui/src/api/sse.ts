/** Reads server-sent events out of pieces of text, which may end anywhere. Only their data is kept. */
export class SseParser {
  private rest = "";
  private data: string[] = [];

  /** The data of the events that this piece completes. */
  push(piece: string): string[] {
    const text = this.rest + piece;
    // A carriage return at the end may be half of a line's end.
    const whole = text.endsWith("\r") ? text.slice(0, -1) : text;
    const lines = whole.split(/\r\n|\n|\r/);
    this.rest = (lines.pop() ?? "") + text.slice(whole.length);
    return lines.flatMap((line) => this.line(line));
  }

  private line(line: string): string[] {
    if (line === "") {
      const found = this.data;
      this.data = [];
      return found.length > 0 ? [found.join("\n")] : [];
    }
    if (line.startsWith("data:")) this.data.push(line.slice(line.startsWith("data: ") ? 6 : 5));
    return [];
  }
}

/** The data of each event of an answer, as they come. */
export async function* events(body: ReadableStream<Uint8Array>): AsyncGenerator<string> {
  const parser = new SseParser();
  const decoder = new TextDecoder();
  for await (const bytes of body) yield* parser.push(decoder.decode(bytes, { stream: true }));
  yield* parser.push(decoder.decode());
}
