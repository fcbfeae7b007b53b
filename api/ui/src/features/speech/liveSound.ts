/** Whether this browser plays such a sound while it comes. */
export function playsLive(mime: string): boolean {
  return "MediaSource" in window && MediaSource.isTypeSupported(mime);
}

/** A sound that is played while it comes. `url` is its address for a player. */
export class LiveSound {
  readonly url: string;
  private readonly source = new MediaSource();
  private readonly waiting: Uint8Array<ArrayBuffer>[] = [];
  private buffer: SourceBuffer | null = null;
  private isWhole = false;

  constructor(mime: string) {
    this.url = URL.createObjectURL(this.source);
    this.source.addEventListener("sourceopen", () => {
      this.buffer = this.source.addSourceBuffer(mime);
      this.buffer.addEventListener("updateend", () => this.feed());
      this.feed();
    });
  }

  /** Takes what comes next. */
  push(bytes: Uint8Array<ArrayBuffer>): void {
    this.waiting.push(bytes);
    this.feed();
  }

  /** All has come. */
  end(): void {
    this.isWhole = true;
    this.feed();
  }

  /** Nobody listens any more. */
  close(): void {
    URL.revokeObjectURL(this.url);
  }

  private feed(): void {
    if (!this.buffer || this.buffer.updating || this.source.readyState !== "open") return;
    const next = this.waiting.shift();
    if (next) this.append(next);
    else if (this.isWhole) this.source.endOfStream();
  }

  private append(bytes: Uint8Array<ArrayBuffer>): void {
    try {
      this.buffer?.appendBuffer(bytes);
    } catch {
      // The browser holds no more of it. What it has is played, and the whole can be heard as a file.
      this.waiting.length = 0;
      this.isWhole = true;
      if (this.source.readyState === "open") this.source.endOfStream();
    }
  }
}
