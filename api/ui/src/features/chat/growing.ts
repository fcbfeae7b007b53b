import type { CallPiece, ChatPiece } from "../../api/chat";
import { ApiError } from "../../api/errors";
import type { Call, Turn } from "./conversation";

/** An answer that took less, in ms, came at once: its speed would be the network's. */
const SHORTEST_MS = 100;

/** When the first and the last piece with a token came, in ms; null before. */
export interface Clock {
  first: number | null;
  last: number | null;
}

/** A turn with one more piece of its answer. */
export function grown(turn: Turn, piece: ChatPiece): Turn {
  return {
    ...turn,
    text: turn.text + piece.text,
    thoughts: turn.thoughts + piece.thoughts,
    usage: piece.usage ?? turn.usage,
    end: piece.finish ?? turn.end,
    calls: piece.calls.reduce(called, turn.calls),
    tokens: piece.tokens.length > 0 ? [...turn.tokens, ...piece.tokens] : turn.tokens,
    ignored: turn.ignored || piece.ignored,
  };
}

function called(calls: readonly Call[], piece: CallPiece): readonly Call[] {
  const before = calls[piece.index] ?? { id: "", name: "", arguments: "" };
  const after = {
    id: before.id || piece.id,
    name: before.name + piece.name,
    arguments: before.arguments + piece.arguments,
  };
  return [...calls.slice(0, piece.index), after, ...calls.slice(piece.index + 1)];
}

/** The clock after a piece that came at `now`. */
export function ticked(clock: Clock, piece: ChatPiece, now: number): Clock {
  const isToken = piece.text !== "" || piece.thoughts !== "" || piece.calls.length > 0;
  return isToken ? { first: clock.first ?? now, last: now } : clock;
}

/** A turn that is whole, with its speed: the tokens after the first, by the time that they took. */
export function finished(turn: Turn, clock: Clock): Turn {
  const tokens = (turn.usage?.completion_tokens ?? 0) - 1;
  const ms = (clock.last ?? 0) - (clock.first ?? 0);
  return { ...turn, end: turn.end || "stop", speed: tokens > 0 && ms >= SHORTEST_MS ? (1000 * tokens) / ms : null };
}

/** A turn that failed or was stopped; what had come of it stays. */
export function broken(turn: Turn, cause: unknown, stopped: boolean): Turn {
  if (stopped) return { ...turn, end: "stopped" };
  const error = cause instanceof ApiError ? cause : new ApiError(String(cause), 0, "unexpected");
  return { ...turn, end: "failed", fault: { message: error.message, code: error.code, requestId: error.requestId } };
}

/** Whether an answer that broke off can be gone on with: what came is a text without a form, and calls nothing. */
export function mayGoOn(turn: Turn): boolean {
  const isBroken = turn.end === "stopped" || turn.end === "" || turn.end === "failed" || turn.end === "length";
  return isBroken && turn.text.trim() !== "" && turn.calls.length === 0 && turn.form === null;
}
