import { useNavigate } from "@tanstack/react-router";
import { useTranslation } from "react-i18next";
import { Button } from "../ui/Button";
import { Failure } from "./Failure";
import { type Launch, useLaunch } from "./useLaunch";

interface Props {
  body: Launch;
  /** What is launched, for screen readers. */
  label: string;
}

/** Launches a model, and leads to its page, which shows how far it is. */
export function LaunchButton({ body, label }: Props) {
  const { t } = useTranslation();
  const navigate = useNavigate();
  const launch = useLaunch((uid) => navigate({ to: "/models/$uid", params: { uid } }));
  return (
    <>
      <Button aria-label={label} disabled={launch.isPending} onClick={() => launch.mutate(body)}>
        {t("catalogue.launch")}
      </Button>
      {launch.error && <Failure error={launch.error} />}
    </>
  );
}
