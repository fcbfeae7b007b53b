import { type ChatBody, streamChat } from "../../api/chat";
import { ApiError } from "../../api/errors";
import { keys, queryClient } from "../../api/queries";
import type { Turn } from "./conversation";
import { broken, type Clock, finished, grown, ticked } from "./growing";

/** Lets a model write a turn, and gives it as it ended, whatever happened. `show` is told of it once a frame at most. */
export async function written(
  begun: Turn,
  body: ChatBody,
  signal: AbortSignal,
  show: (turn: Turn) => void,
): Promise<Turn> {
  let turn = begun;
  let clock: Clock = { first: null, last: null };
  let frame = 0;
  const draw = () => {
    frame = 0;
    show(turn);
  };
  try {
    for await (const piece of streamChat(body, signal)) {
      turn = grown(turn, piece);
      clock = ticked(clock, piece, performance.now());
      frame ||= requestAnimationFrame(draw);
    }
    return finished(turn, clock);
  } catch (cause) {
    if (cause instanceof ApiError && cause.status === 401)
      void queryClient.invalidateQueries({ queryKey: keys.session });
    return broken(turn, cause, signal.aborted);
  } finally {
    cancelAnimationFrame(frame);
  }
}
