import { useMutation } from "@tanstack/react-query";
import { useEffect, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import { speak } from "../../api/speech";
import { Failure } from "../../parts/Failure";
import { Button } from "../../ui/Button";

/** Lets a voice be heard: it says the beginning of the text. */
export function Audition({ body }: { body: Record<string, unknown> }) {
  const { t } = useTranslation();
  const under = useRef<AbortController>(null);
  const player = useRef<HTMLAudioElement>(null);
  const [address, setAddress] = useState<string>();
  useEffect(() => () => under.current?.abort(), []);
  useEffect(() => () => void (address && URL.revokeObjectURL(address)), [address]);
  const { mutate, isPending, error } = useMutation({
    mutationFn: () => {
      under.current = new AbortController();
      return speak(body, under.current.signal);
    },
    onSuccess: ({ sound }) => setAddress(URL.createObjectURL(sound)),
  });
  const isReady = body["model"] !== "" && body["input"] !== "";
  return (
    <>
      <Button aria-disabled={isPending || !isReady} onClick={() => !isPending && isReady && mutate()}>
        {isPending ? t("speech.trying") : t("speech.try")}
      </Button>
      {/* biome-ignore lint/a11y/useMediaCaption: it says the beginning of the text beside it */}
      <audio ref={player} src={address} autoPlay hidden />
      {error && error.name !== "AbortError" && <Failure error={error} again={mutate} isAsked />}
    </>
  );
}
