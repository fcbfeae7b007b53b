import { newId } from "../../lib/ids";
import { type Conversation, newTurn, type Result, type Settings, type Turn } from "./conversation";
import { type Asked, requestOf } from "./request";
import { formOf } from "./structure";
import { showing, withChanged, withTurn } from "./tree";
import { written } from "./writing";

const KEPT_EVERY_MS = 2000;
const NOBODY: ReadonlySet<string> = new Set();

/** What of a talk is shown. `running`: the turns being written. `isKept`: whether the browser could keep it. */
export interface Shown {
  conversation: Conversation;
  running: ReadonlySet<string>;
  isKept: boolean;
}

/** What a message holds. */
export interface Said {
  text: string;
  pictures: string[];
  sounds: string[];
}

/** A conversation that goes on, whether or not its page is open. Those who watch are told once a frame at most. */
export class Talk {
  private watchers = new Set<() => void>();
  private stopper: AbortController | null = null;
  private shown: Shown;
  private keptAt = 0;

  constructor(
    conversation: Conversation,
    private readonly keep: (conversation: Conversation, isGrowing: boolean) => Promise<unknown>,
  ) {
    this.shown = { conversation, running: NOBODY, isKept: true };
  }

  readonly now = (): Shown => this.shown;

  readonly watch = (watcher: () => void): (() => void) => {
    this.watchers.add(watcher);
    return () => this.watchers.delete(watcher);
  };

  /** Says something after the turn `parent`, and asks for answers. Does nothing while any is written. */
  say(parent: string | null, said: Said, asked: readonly Asked[]): void {
    this.add(newTurn(newId(), parent, "user", { ...said, end: "stop" }), asked);
  }

  /** Tells what the tools answered that the turn `parent` calls, and asks for answers to that. */
  give(parent: string, results: readonly Result[], asked: readonly Asked[]): void {
    this.add(newTurn(newId(), parent, "tool", { results, end: "stop" }), asked);
  }

  /** Asks for answers to the turn `parent`, beside those that it has; the first is shown. */
  async answer(parent: string, asked: readonly Asked[]): Promise<void> {
    const { conversation } = this.shown;
    const form = formOf(conversation.settings);
    const begun = asked.map(({ model }) => newTurn(newId(), parent, "assistant", { model, form }));
    const bodies = asked.map((one) => requestOf(conversation, parent, one));
    await this.run(
      begun,
      bodies,
      begun.reduce((before, turn) => withTurn(before, turn, Date.now()), conversation),
    );
  }

  /** Goes on with an answer that broke off. */
  async goOn(turn: Turn, asked: Asked): Promise<void> {
    const { conversation } = this.shown;
    const begun = { ...turn, end: "", fault: null, usage: null, speed: null };
    await this.run([begun], [requestOf(conversation, turn.id, asked, true)], withChanged(conversation, begun));
  }

  stop(): void {
    this.stopper?.abort();
  }

  /** Shows the branch that a turn is on. */
  showBranch(id: string): void {
    this.set({ conversation: showing(this.shown.conversation, id) });
    this.save();
  }

  setSettings(settings: Settings): void {
    this.set({ conversation: { ...this.shown.conversation, settings } });
    this.save();
  }

  rename(title: string): void {
    this.set({ conversation: { ...this.shown.conversation, title, named: Date.now() } });
    this.save();
  }

  private add(turn: Turn, asked: readonly Asked[]): void {
    if (this.stopper) return;
    this.set({ conversation: withTurn(this.shown.conversation, turn, Date.now()) });
    void this.answer(turn.id, asked);
  }

  private async run(begun: Turn[], bodies: ReturnType<typeof requestOf>[], conversation: Conversation): Promise<void> {
    const first = begun[0];
    if (this.stopper || !first) return;
    const stopper = new AbortController();
    this.stopper = stopper;
    this.set({ conversation: { ...conversation, leaf: first.id }, running: new Set(begun.map((turn) => turn.id)) });
    this.save();
    const show = (turn: Turn) => {
      this.set({ conversation: withChanged(this.shown.conversation, turn) });
      if (Date.now() - this.keptAt > KEPT_EVERY_MS) this.save(true);
    };
    const one = async (turn: Turn, body: (typeof bodies)[number]) => {
      const ended = await written(turn, body, stopper.signal, show);
      const running = new Set([...this.shown.running].filter((id) => id !== turn.id));
      if (running.size === 0) this.stopper = null;
      this.set({ conversation: withChanged(this.shown.conversation, ended), running });
      this.save();
    };
    await Promise.all(bodies.map((body, at) => one(begun[at] ?? first, body)));
  }

  private set(changed: Partial<Shown>): void {
    this.shown = { ...this.shown, ...changed };
    for (const watcher of this.watchers) watcher();
  }

  private save(isGrowing = false): void {
    if (this.shown.conversation.turns.length === 0) return;
    this.keptAt = Date.now();
    const kept = (isKept: boolean) => {
      if (isKept !== this.shown.isKept) this.set({ isKept });
    };
    this.keep(this.shown.conversation, isGrowing).then(
      () => kept(true),
      () => kept(false),
    );
  }
}
