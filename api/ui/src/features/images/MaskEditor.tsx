import { useState } from "react";
import { useTranslation } from "react-i18next";
import { percent } from "../../lib/spans";
import { Button } from "../../ui/Button";
import { Choice } from "../../ui/Choice";
import { FilePicker } from "../../ui/FilePicker";
import styles from "./Mask.module.css";
import { MaskBox } from "./MaskBox";
import { MaskCanvas } from "./MaskCanvas";
import { stepOf } from "./paint";
import { useMask } from "./useMask";

const TOOLS = ["paint", "erase"] as const;

interface Props {
  /** The picture, as a data URL. */
  image: string;
  /** The mask to begin with; null: none. */
  given: string | null;
  onMask: (mask: string | null) => void;
}

/** Marks what of a picture is drawn anew: with a brush, by the numbers of a rectangle, or by a mask that is there. */
export function MaskEditor({ image, given, onMask }: Props) {
  const { t, i18n } = useTranslation();
  const { size, steps, share, begin, add, undo, clear } = useMask(given, onMask);
  const [tool, setTool] = useState<(typeof TOOLS)[number]>("paint");
  const [brush, setBrush] = useState(10);
  const [fault, setFault] = useState<string | null>(null);
  const erases = tool === "erase";
  const take = async ([file]: File[]) => {
    setFault(null);
    if (file) await stepOf(file).then(add, () => setFault(t("images.source.fault", { name: file.name })));
  };
  return (
    <fieldset className={styles.editor}>
      <legend>{t("images.mask.title")}</legend>
      <p className={styles.muted}>{t("images.mask.help")}</p>
      <MaskCanvas
        image={image}
        size={size}
        steps={steps}
        label={t("images.mask.canvas", { share: percent(share, i18n.language) })}
        width={brush}
        erases={erases}
        onPicture={(picture) => void begin(picture)}
        onStroke={add}
      />
      <p>{t("images.mask.share", { share: percent(share, i18n.language) })}</p>
      <Choice
        label={t("images.mask.tool")}
        value={tool}
        options={TOOLS.map((one) => [one, t(`images.mask.${one}`)] as const)}
        onChange={setTool}
      />
      <label className={styles.range}>
        {t("images.mask.brush", { share: percent(brush / 100, i18n.language) })}
        <input type="range" min={1} max={50} value={brush} onChange={(event) => setBrush(Number(event.target.value))} />
      </label>
      <div className={styles.buttons}>
        <Button aria-disabled={steps.length === 0} onClick={() => steps.length > 0 && undo()}>
          {t("images.mask.undo")}
        </Button>
        <Button aria-disabled={steps.length === 0} onClick={() => steps.length > 0 && clear()}>
          {t("images.mask.clear")}
        </Button>
        <FilePicker label={t("images.mask.upload")} accept="image/*" takesOne onFiles={(files) => void take(files)} />
      </div>
      {fault && <p className={styles.fault}>{fault}</p>}
      {size && <MaskBox size={size} erases={erases} onBox={(box) => add({ kind: "rectangle", erases, box })} />}
    </fieldset>
  );
}
