import { type PointerEvent, useEffect, useRef, useState } from "react";
import styles from "./Mask.module.css";
import { pointOf, type Step } from "./mask";
import { show } from "./paint";
import type { Size } from "./useMask";

type Stroke = Extract<Step, { kind: "stroke" }>;

interface Props {
  image: string;
  /** That of the mask; null until the picture is there. */
  size: Size | null;
  steps: readonly Step[];
  label: string;
  /** Of the brush, in percent of the shorter side. */
  width: number;
  erases: boolean;
  onPicture: (picture: HTMLImageElement) => void;
  onStroke: (stroke: Stroke) => void;
}

/** The picture, and over it in a colour what is marked; whoever has a pointer paints on it. */
export function MaskCanvas({ image, size, steps, label, width, erases, onPicture, onStroke }: Props) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const [stroke, setStroke] = useState<Stroke | null>(null);
  useEffect(() => {
    if (canvas.current && size) show(canvas.current, stroke ? [...steps, stroke] : steps);
  }, [size, steps, stroke]);
  const begin = (event: PointerEvent<HTMLCanvasElement>) => {
    if (!size || event.button !== 0) return;
    event.currentTarget.setPointerCapture(event.pointerId);
    const thickness = Math.max(1, (width / 100) * Math.min(size.width, size.height));
    const at = pointOf(event, event.currentTarget.getBoundingClientRect(), size);
    setStroke({ kind: "stroke", erases, width: thickness, points: [at] });
  };
  const move = (event: PointerEvent<HTMLCanvasElement>) => {
    if (!stroke || !size) return;
    const shown = event.currentTarget.getBoundingClientRect();
    const passed = event.nativeEvent.getCoalescedEvents?.() ?? [];
    const points = (passed.length > 0 ? passed : [event]).map((one) => pointOf(one, shown, size));
    setStroke({ ...stroke, points: [...stroke.points, ...points] });
  };
  const end = () => {
    if (stroke) onStroke(stroke);
    setStroke(null);
  };
  return (
    <div className={styles.stage}>
      <img src={image} alt="" onLoad={(event) => onPicture(event.currentTarget)} draggable={false} />
      <canvas
        ref={canvas}
        role="img"
        aria-label={label}
        width={size?.width ?? 1}
        height={size?.height ?? 1}
        onPointerDown={begin}
        onPointerMove={move}
        onPointerUp={end}
        onPointerCancel={end}
      />
    </div>
  );
}
