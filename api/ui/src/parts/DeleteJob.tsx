import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { deleteJob } from "../api/jobs";
import { keys } from "../api/queries";
import { Button } from "../ui/Button";
import { Question } from "../ui/Question";
import { Failure } from "./Failure";

interface Props {
  id: string;
  /** What it made, as it was asked. */
  name: string;
  /** It is gone, and its button with it. */
  onDeleted: () => void;
}

/** So many characters of a name are said with the button. */
const LONGEST_NAME = 60;

/** Deletes a job that is over with all that it made, once that was agreed to. */
export function DeleteJob({ id, name, onDeleted }: Props) {
  const { t } = useTranslation();
  const client = useQueryClient();
  const [isAsking, setAsking] = useState(false);
  const { mutate, isPending, error } = useMutation({
    mutationFn: () => deleteJob(id),
    onSuccess: async () => {
      await client.invalidateQueries({ queryKey: [...keys.jobs, "list"] });
      onDeleted();
    },
    onError: () => setAsking(false),
  });
  return (
    <>
      <Button
        aria-label={name ? t("jobs.deleteNamed", { name: [...name].slice(0, LONGEST_NAME).join("") }) : undefined}
        onClick={() => setAsking(true)}
      >
        {t("jobs.do.delete")}
      </Button>
      {error && <Failure error={error} />}
      {isAsking && (
        <Question
          open
          title={t("jobs.ask.delete", { number: 1 })}
          text={t("jobs.then.delete")}
          no={t("jobs.no")}
          yes={t("jobs.do.delete")}
          busy={isPending}
          onNo={() => setAsking(false)}
          onYes={() => mutate()}
        />
      )}
    </>
  );
}
