import { useMemo, useRef } from "react";
import type { Asked } from "./request";
import type { Acts } from "./TurnActions";
import type { Talk } from "./talk";

/** What can be done about the turns of a talk, by asking these models. It is the same at each drawing. */
export function useActs(talk: Talk, all: readonly Asked[], follow: () => void): Acts {
  const now = useRef(all);
  now.current = all;
  return useMemo(() => {
    /** The model that wrote a turn where it is one of those asked, else the first. */
    const own = (model: string) => {
      const [first = { model, thinks: false }] = now.current;
      return now.current.find((one) => one.model === model) ?? first;
    };
    return {
      edit: ({ parent, pictures, sounds }, text) => {
        talk.say(parent, { text, pictures, sounds }, now.current);
        follow();
      },
      again: ({ parent, model }) => {
        if (parent !== null) void talk.answer(parent, [own(model)]);
        follow();
      },
      goOn: (turn) => {
        void talk.goOn(turn, own(turn.model));
        follow();
      },
      give: (turn, results) => {
        talk.give(turn.id, results, [own(turn.model)]);
        follow();
      },
      show: (id) => talk.showBranch(id),
    };
  }, [talk, follow]);
}
