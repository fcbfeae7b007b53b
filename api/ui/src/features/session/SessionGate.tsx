import { focusManager } from "@tanstack/react-query";
import { type ReactNode, useEffect } from "react";
import { useOwner } from "../../lib/owner";
import { Failure } from "../../parts/Failure";
import { Loading } from "../../parts/Loading";
import { SignInPage } from "./SignInPage";
import { useSession } from "./useSession";

/** Shows the pages to whoever may see them, and asks others for a key. Where a session ended by itself the pages wait
 *  behind that, with all that was typed, for the key that they were opened with; another finds them anew. */
export function SessionGate({ children }: { children: ReactNode }) {
  const { data, failureReason, refetch } = useSession();
  const owner = useOwner();
  const isShut = data?.needs_key === true && data.scopes.length === 0;
  useEffect(() => {
    focusManager.setFocused(isShut ? false : undefined); // pages that wait ask nothing
    return () => focusManager.setFocused(undefined);
  }, [isShut]);
  if (!data) return failureReason ? <Failure error={failureReason} again={refetch} /> : <Loading />;
  return (
    <>
      {isShut && <SignInPage />}
      {typeof owner === "string" && (
        <div key={owner} hidden={isShut} inert={isShut}>
          {children}
        </div>
      )}
    </>
  );
}
