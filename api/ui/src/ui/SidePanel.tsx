import { Dialog } from "@base-ui/react/dialog";
import type { ReactNode } from "react";
import { classes } from "../lib/classes";
import { IconButton } from "./IconButton";
import styles from "./SidePanel.module.css";

interface Props {
  label: string;
  /** The word of the button that closes it. */
  close: string;
  side: "start" | "end";
  /** Whether it stands beside the rest of the page; else it lies over it, and keeps the keyboard until it is closed. */
  isBeside: boolean;
  isOpen: boolean;
  onOpen: (isOpen: boolean) => void;
  children: ReactNode;
}

/** A part of a page at one of its sides, which scrolls by itself. */
export function SidePanel({ label, close, side, isBeside, isOpen, onOpen, children }: Props) {
  if (isBeside)
    return isOpen ? (
      <section className={classes(styles.beside, styles[side])} aria-label={label}>
        {children}
      </section>
    ) : null;
  return (
    <Dialog.Root open={isOpen} onOpenChange={onOpen}>
      <Dialog.Portal>
        <Dialog.Backdrop className={styles.backdrop} />
        <Dialog.Popup className={classes(styles.over, styles[side])}>
          <div className={styles.head}>
            <Dialog.Title className={styles.title}>{label}</Dialog.Title>
            <IconButton icon="close" label={close} onClick={() => onOpen(false)} />
          </div>
          {children}
        </Dialog.Popup>
      </Dialog.Portal>
    </Dialog.Root>
  );
}
