import { useTranslation } from "react-i18next";
import { Button } from "../../ui/Button";

interface Props {
  id: string;
  siblings: readonly string[];
  onShow: (id: string) => void;
}

/** Which of several branches is shown, and the way to the others. */
export function Branches({ id, siblings, onShow }: Props) {
  const { t } = useTranslation();
  const at = siblings.indexOf(id);
  const [before, after] = [siblings[at - 1], siblings[at + 1]];
  if (siblings.length < 2) return null;
  return (
    <>
      <Button
        look="quiet"
        disabled={!before}
        onClick={() => before && onShow(before)}
        aria-label={t("chat.branchBefore")}
      >
        ‹
      </Button>
      {t("chat.branch", { number: at + 1, count: siblings.length })}
      <Button look="quiet" disabled={!after} onClick={() => after && onShow(after)} aria-label={t("chat.branchAfter")}>
        ›
      </Button>
    </>
  );
}
