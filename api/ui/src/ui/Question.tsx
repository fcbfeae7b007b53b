import { AlertDialog } from "@base-ui/react/alert-dialog";
import type { ReactNode } from "react";
import { Button } from "./Button";
import styles from "./Question.module.css";

interface Props {
  open: boolean;
  title: string;
  text: string;
  /** The words of the two buttons. */
  no: string;
  yes: string;
  /** Whether what was agreed to is being done. */
  busy: boolean;
  onNo: () => void;
  onYes: () => void;
  children?: ReactNode;
}

/** Asks before something that cannot be undone. What is safe has the focus first. */
export function Question({ open, title, text, no, yes, busy, onNo, onYes, children }: Props) {
  return (
    <AlertDialog.Root open={open} onOpenChange={(opened) => opened || onNo()}>
      <AlertDialog.Portal>
        <AlertDialog.Backdrop className={styles.backdrop} />
        <AlertDialog.Popup className={styles.popup}>
          <AlertDialog.Title>{title}</AlertDialog.Title>
          <AlertDialog.Description>{text}</AlertDialog.Description>
          {children}
          <div className={styles.actions}>
            <Button onClick={onNo}>{no}</Button>
            <Button look="danger" disabled={busy} onClick={onYes}>
              {yes}
            </Button>
          </div>
        </AlertDialog.Popup>
      </AlertDialog.Portal>
    </AlertDialog.Root>
  );
}
