import { useQueryClient } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { deleteFile, type FileObject } from "../../api/files";
import { keys } from "../../api/queries";
import { doToEach, type Outcome } from "../../lib/outcomes";
import { AskButton } from "../../parts/AskButton";

interface Props {
  files: readonly FileObject[];
  /** Whether they were chosen in a list: then the button counts them. */
  isCounted?: boolean;
  onDone: (outcome: Outcome) => unknown;
}

/** Deletes files, after asking. */
export function DeleteFiles({ files, isCounted = false, onDone }: Props) {
  const { t } = useTranslation();
  const client = useQueryClient();
  const count = files.length;
  const act = async () => {
    const outcome = await doToEach(files, ({ id }) => deleteFile(id));
    await client.invalidateQueries({ queryKey: [...keys.files, "list"] });
    return outcome;
  };
  return (
    <AskButton
      action={isCounted ? t("files.deleteThese", { count }) : t("files.delete")}
      doing={t("files.deleting")}
      title={files.length === 1 ? t("files.deleteOne", { name: files[0]?.filename }) : t("files.deleteAll", { count })}
      text={t("files.deleteText")}
      keep={t("files.keep")}
      disabled={count === 0}
      act={act}
      onDone={onDone}
    />
  );
}
