import { useEffect, useRef, useState } from "react";
import { microphone, type Refusal, recordingOf, refusalOf } from "./microphone";

/** Milliseconds after which a browser gives what it has recorded. */
const PIECE_MS = 1000;

/** Records the microphone. `onRecorded` is given each recording that is not discarded; leaving the page discards one. */
export function useRecorder(onRecorded: (file: File) => void) {
  const [isAsking, setAsking] = useState(false);
  const [stream, setStream] = useState<MediaStream | null>(null);
  const [refusal, setRefusal] = useState<Refusal | null>(null);
  const recorder = useRef<MediaRecorder>(null);
  const isGone = useRef(false);
  const tell = useRef(onRecorded);
  tell.current = onRecorded;

  const begin = async () => {
    setRefusal(null);
    setAsking(true);
    try {
      const sound = await microphone();
      if (isGone.current) return letGo(sound);
      recorder.current = started(sound, (file) => {
        setStream(null);
        if (file) tell.current(file);
      });
      setStream(sound);
    } catch (cause) {
      setRefusal(refusalOf(cause));
    } finally {
      setAsking(false);
    }
  };
  const stop = () => recorder.current?.state === "recording" && recorder.current.stop();
  const discard = () => {
    const one = recorder.current;
    recorder.current = null;
    if (!one) return;
    one.onstop = null;
    letGo(one.stream);
    setStream(null);
  };
  // biome-ignore lint/correctness/useExhaustiveDependencies: it is for the page's end alone
  useEffect(() => {
    isGone.current = false;
    return () => {
      isGone.current = true;
      discard();
    };
  }, []);
  return { isAsking, stream, refusal, begin, stop, discard };
}

/** A recorder at work. It ends too where the microphone is taken away, and what there was is kept. */
function started(stream: MediaStream, onEnd: (file: File | null) => void): MediaRecorder {
  const recorder = new MediaRecorder(stream);
  const pieces: Blob[] = [];
  recorder.ondataavailable = ({ data }) => pieces.push(data);
  recorder.onstop = () => {
    letGo(stream);
    onEnd(recordingOf(pieces, recorder.mimeType));
  };
  recorder.start(PIECE_MS);
  return recorder;
}

function letGo(stream: MediaStream) {
  for (const track of stream.getTracks()) track.stop();
}
