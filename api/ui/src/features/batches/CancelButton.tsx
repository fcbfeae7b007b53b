import { useQueryClient } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { type Batch, cancelBatch } from "../../api/batches";
import { keys } from "../../api/queries";
import { AskButton } from "../../parts/AskButton";

interface Props {
  batch: Batch;
  /** Whether it stands in a list, beside others. */
  isListed?: boolean;
  onDone?: () => unknown;
}

/** Stops a batch, after asking. What it has answered until then stays. */
export function CancelButton({ batch, isListed = false, onDone }: Props) {
  const { t } = useTranslation();
  const client = useQueryClient();
  if (!["validating", "in_progress"].includes(batch.status)) return null;
  const act = async () => {
    await cancelBatch(batch.id);
    await client.invalidateQueries({ queryKey: keys.batches });
  };
  return (
    <AskButton
      action={t("batches.cancel")}
      doing={t("batches.cancelling")}
      {...(isListed && { name: t("batches.cancelOf", { id: batch.id }) })}
      title={t("batches.cancelTitle")}
      text={t("batches.cancelText")}
      keep={t("batches.keep")}
      act={act}
      {...(onDone && { onDone })}
    />
  );
}
