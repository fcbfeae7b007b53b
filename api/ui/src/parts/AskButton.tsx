import { useMutation } from "@tanstack/react-query";
import { type ReactNode, useState } from "react";
import { Button } from "../ui/Button";
import { Question } from "../ui/Question";
import { Failure } from "./Failure";

interface Props<T> {
  /** What the button says, and what the question's button does. */
  action: string;
  /** The action while it is done, where that takes a while. */
  doing?: string;
  /** The button's name for screen readers, where there are several alike. */
  name?: string;
  title: string;
  text: string;
  /** The word of the button that changes nothing; `leave`: while it is done, when closing does not stop it. */
  keep: string;
  leave?: string;
  /** Whether it may not be agreed to. */
  isBarred?: boolean;
  disabled?: boolean;
  act: () => Promise<T>;
  /** Told when it is done, and the question is closed: what it shows may take the focus. */
  onDone?: (done: T) => unknown;
  /** What is shown in the question beside its text. */
  children?: ReactNode;
}

/** A button for what cannot be undone: it asks, does it, and says there why it could not. */
export function AskButton<T>(props: Props<T>) {
  const { action, doing = action, keep, leave = keep } = props;
  const [asking, setAsking] = useState(false);
  const { mutate, reset, isPending, error } = useMutation({
    mutationFn: props.act,
    onSuccess: async (done) => {
      setAsking(false);
      await props.onDone?.(done);
    },
  });
  const ask = () => {
    reset();
    setAsking(true);
  };
  return (
    <>
      <Button look="danger" onClick={ask} aria-label={props.name} disabled={props.disabled}>
        {action}
      </Button>
      <Question
        open={asking}
        title={props.title}
        text={props.text}
        no={isPending ? leave : keep}
        yes={isPending ? doing : action}
        busy={isPending || (props.isBarred ?? false)}
        onNo={() => setAsking(false)}
        onYes={() => mutate()}
      >
        {props.children}
        {error && <Failure error={error} />}
      </Question>
    </>
  );
}
