import { streamChat } from "../../api/chat";
import { newId } from "../../lib/ids";
import { type Conversation, newTurn, type Settings, type Turn } from "./conversation";
import { broken, type Clock, finished, grown, ticked } from "./growing";
import { requestOf } from "./request";
import { showing, withChanged, withTurn } from "./tree";

const KEPT_EVERY_MS = 2000;

/** What of a talk is shown. `running`: the turn that is being written. `isKept`: whether the browser could keep it. */
export interface Shown {
  conversation: Conversation;
  running: string | null;
  isKept: boolean;
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
    this.shown = { conversation, running: null, isKept: true };
  }

  readonly now = (): Shown => this.shown;

  readonly watch = (watcher: () => void): (() => void) => {
    this.watchers.add(watcher);
    return () => this.watchers.delete(watcher);
  };

  /** Says something after the turn `parent`, and asks for an answer. Does nothing while one is written. */
  say(parent: string | null, text: string, pictures: string[], model: string): void {
    if (this.stopper) return;
    const turn = newTurn(newId(), parent, "user", { text, pictures, end: "stop" });
    this.set(withTurn(this.shown.conversation, turn, Date.now()));
    void this.answer(turn.id, model);
  }

  /** Asks for an answer to the turn `parent`, beside those that it has. Does nothing while one is written. */
  async answer(parent: string, model: string): Promise<void> {
    if (this.stopper) return;
    const body = requestOf(this.shown.conversation, parent, model);
    const stopper = new AbortController();
    this.stopper = stopper;
    let turn = newTurn(newId(), parent, "assistant", { model });
    this.set(withTurn(this.shown.conversation, turn, Date.now()), turn.id);
    this.save();
    let clock: Clock = { first: null, last: null };
    let frame = 0;
    const show = () => {
      frame = 0;
      this.change(turn, turn.id);
      if (Date.now() - this.keptAt > KEPT_EVERY_MS) this.save(true);
    };
    try {
      for await (const piece of streamChat(body, stopper.signal)) {
        turn = grown(turn, piece);
        clock = ticked(clock, piece, performance.now());
        frame ||= requestAnimationFrame(show);
      }
      turn = finished(turn, clock);
    } catch (cause) {
      turn = broken(turn, cause, stopper.signal.aborted);
    }
    cancelAnimationFrame(frame);
    this.stopper = null;
    this.change(turn, null);
    this.save();
  }

  stop(): void {
    this.stopper?.abort();
  }

  /** Shows the branch that a turn is on. */
  showBranch(id: string): void {
    this.set(showing(this.shown.conversation, id), this.shown.running);
    this.save();
  }

  setSettings(settings: Settings): void {
    this.set({ ...this.shown.conversation, settings }, this.shown.running);
    this.save();
  }

  private change(turn: Turn, running: string | null): void {
    this.set(withChanged(this.shown.conversation, turn), running);
  }

  private set(conversation: Conversation, running: string | null = null): void {
    this.shown = { ...this.shown, conversation, running };
    for (const watcher of this.watchers) watcher();
  }

  private save(isGrowing = false): void {
    if (this.shown.conversation.turns.length === 0) return;
    this.keptAt = Date.now();
    const kept = (isKept: boolean) => {
      if (isKept === this.shown.isKept) return;
      this.shown = { ...this.shown, isKept };
      for (const watcher of this.watchers) watcher();
    };
    this.keep(this.shown.conversation, isGrowing).then(
      () => kept(true),
      () => kept(false),
    );
  }
}
