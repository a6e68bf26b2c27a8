#!/usr/bin/env bash
# Runs an example and compares what it prints: check.sh <check> <program> <work folder>. `ask` asks the index that `quickstart`
# left in the same work folder.
set -euo pipefail
examples=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
check=$1
program=$(realpath "$2")
mkdir -p "$3"
cd "$3"

fail() {
  echo "check.sh: $*" >&2
  exit 1
}

# The number at a path of "name":number pairs in one line of JSON, each looked for after the one before.
number() {
  local json=$1 name
  for name in "${@:2}"; do
    [[ $json == *"\"$name\":"* ]] || fail "no '$name' in: $1"
    json=${json#*"\"$name\":"}
  done
  echo "${json%%[^0-9]*}"
}

[[ -x $program ]] || fail "$program is not built (those of tests/consume are built by the test consume.examples)"

custom_stages() {
  "$program" >custom_stages.out
  diff "$examples/custom_stages/expected_output.txt" custom_stages.out
}

quickstart() {
  rm -rf documents index.db*
  cp -r "$examples/quickstart/documents" documents
  local report embedded total files
  files=$(find documents -type f | wc -l)

  report=$("$program" --json cold documents index.db)
  [[ $report == *'"complete":true'* ]] || fail "the first run is not complete: $report"
  [[ $(number "$report" documents processed) == "$files" ]] || fail "the first run did not process $files files: $report"
  total=$(number "$report" chunks total)
  [[ $total -gt $files && $(number "$report" chunks embedded) == "$total" ]] || fail "the first run did not embed all: $report"

  report=$("$program" --json again documents index.db)
  [[ $report == *'"complete":true'* ]] || fail "the second run is not complete: $report"
  [[ $(number "$report" chunks embedded) == 0 ]] || fail "the second run embedded what had not changed: $report"
  [[ $(number "$report" chunks total) == "$total" ]] || fail "the second run has other chunks: $report"

  sed -i 's/The clock of the logger is set from satellites/& and from long waves/' documents/data/path-of-an-observation.md
  report=$("$program" --json edit documents index.db)
  [[ $report == *'"complete":true'* ]] || fail "the third run is not complete: $report"
  [[ $(number "$report" documents processed) == 1 ]] || fail "one file was edited, but: $report"
  embedded=$(number "$report" chunks embedded)
  [[ $embedded -ge 1 && $embedded -le 3 ]] || fail "one sentence was edited, $embedded chunks were embedded: $report"

  best_is security/api-keys.md "How often must the API keys be rotated?"
  best_is operations/backups.md "When are restore drills held?"
  best_is team/office.md "What should I do when the coffee machine has to be descaled?"
  best_is data/tide-model.md "How many harmonic constituents does the tide model have?"
}

best_is() {
  local answer
  answer=$("$program" --json ask documents index.db "$2")
  answer=${answer#*'"document_id":"'}
  [[ ${answer%%'"'*} == "$1" ]] || fail "'$2' was answered from ${answer%%'"'*}, not from $1"
}

ask() {
  local status=0
  "$program" index.db "How often must the API keys be rotated?" --top-k 2 >ask.out
  head -n 1 ask.out | grep -qE '^[0-9]\.[0-9]{3}  security/api-keys.md, bytes [0-9]+-[0-9]+$' || fail "$(cat ask.out)"
  grep -qx '       API keys > Rotation' ask.out || fail "no heading path: $(cat ask.out)"
  grep -q '^       | API keys are rotated every 90 days' ask.out || fail "no text: $(cat ask.out)"

  for mode in hybrid vector text; do
    "$program" index.db "restore drill" --mode $mode --top-k 3 --json >ask.out
    [[ $(wc -l <ask.out) == 3 ]] || fail "not three lines of JSON: $(cat ask.out)"
    head -n 1 ask.out | grep -q '"document_id":"operations/backups.md"' || fail "mode $mode: $(cat ask.out)"
  done
  "$program" index.db "restore drill" --filter path=team/faq.md --json >ask.out
  if grep -v '"document_id":"team/faq.md"' ask.out; then fail "the filter let others through"; fi

  "$program" index.db "restore drill" --filter path=no/such/file.md >ask.out 2>&1 || status=$?
  [[ $status == 1 ]] || fail "no answers: exit code $status"
  for arguments in "" "index.db" "index.db text --top-k many" "index.db text --mode fast" "index.db text --filter path" \
    "index.db text --unknown" "index.db text --mode" "index.db text --top-k 0" "absent.db text"; do
    status=0
    # shellcheck disable=SC2086  # arguments are words
    "$program" $arguments >ask.out 2>&1 || status=$?
    [[ $status == 2 ]] || fail "ask $arguments: exit code $status"
    grep -q '^ask: ' ask.out || fail "ask $arguments: no message"
  done
}

service() {
  rm -f service.db*
  "$program" service.db <"$examples/service/session.txt" >service.out
  diff "$examples/service/expected_output.txt" service.out
}

chunk_view() {
  local status document="$examples/quickstart/documents/security/api-keys.md" arguments
  "$program" --json --chunker markdown --max-tokens 64 --overlap 8 "$document" >chunk_view.out
  [[ $(wc -l <chunk_view.out) -ge 3 ]] || fail "not one chunk a line: $(cat chunk_view.out)"
  head -n 1 chunk_view.out | grep -q '^{"begin":0,"end":[0-9]*,"tokens":[0-9]*,"overlap":0,"context":"","headings":\["API keys"\],"text":"# API keys' ||
    fail "$(head -n 1 chunk_view.out)"
  [[ $(number "$(tail -n 1 chunk_view.out)" end) == $(wc -c <"$document") ]] || fail "the chunks do not end where the file does"
  "$program" --json --chunker code --max-tokens 64 "$examples/ask/main.cc" >chunk_view.out
  grep -q '"headings":\["void Print(const ragpipe::Hit& hit)"\]' chunk_view.out || fail "no signature: $(cat chunk_view.out)"
  "$program" --json --chunker html "$examples/quickstart/documents/data/response-codes.html" >chunk_view.out
  head -n 1 chunk_view.out | grep -q '"text":"[^<]*"}$' || fail "tags in the text: $(cat chunk_view.out)"
  for arguments in recursive sentence fixed markdown html code content_defined semantic; do
    "$program" --json --chunker "$arguments" --max-tokens 64 --overlap 8 "$document" >chunk_view.out
    [[ $(number "$(tail -n 1 chunk_view.out)" end) == $(wc -c <"$document") ]] || fail "chunk_view --chunker $arguments: no whole file"
  done
  for arguments in "" "absent.txt" "--chunker fast $document" "--max-tokens few $document" "--max-tokens 0 $document" \
    "--tokenizer absent.json $document" "--tokenizer absent/cl100k_base.tiktoken $document" \
    "--tokenizer other.tiktoken $document" "--tokenizer cl100k_base --ranks absent $document" "--unknown x $document" "--json"; do
    status=0
    # shellcheck disable=SC2086  # arguments are words
    "$program" $arguments >chunk_view.out 2>&1 || status=$?
    [[ $status == 2 ]] || fail "chunk_view $arguments: exit code $status"
    grep -q '^chunk_view: ' chunk_view.out || fail "chunk_view $arguments: no message"
  done
}

# The page as a browser has it after its script ran, where there is one.
chunk_view_page() {
  local document="$examples/quickstart/documents/security/api-keys.md" browser=chromium chunks
  "$program" --chunker markdown --compare recursive --max-tokens 64 --overlap 8 "$document" >page.html
  if grep -nE 'https?://|src=|@import|url\(' page.html | grep -v '^[0-9]*:<pre>' | grep -vE 'data-about|class="chunk'; then
    fail "the page wants something from elsewhere"
  fi
  if ! command -v $browser >/dev/null; then
    [[ ${RAGPIPE_REQUIRE_REFERENCES:-} == "" ]] || fail "chromium is not installed"
    echo "SKIPPED: the page in a browser; install chromium"
    return
  fi
  # The script is asked for the card of the last chunk that repeats a part of another.
  sed 's#</body>#<script>document.querySelectorAll(".chunk")[1].focus();</script></body>#' page.html >focused.html
  timeout 60 $browser --headless=new --no-sandbox --disable-gpu --window-size=1400,1000 --virtual-time-budget=2000 --dump-dom \
    "file://$PWD/focused.html" >dom.html 2>/dev/null || fail "$browser did not show the page"
  chunks=$("$program" --json --chunker markdown --max-tokens 64 --overlap 8 "$document" | wc -l)
  chunks=$((chunks + $("$program" --json --chunker recursive --max-tokens 64 --overlap 8 "$document" | wc -l)))
  [[ $(grep -o '<span class="chunk' dom.html | wc -l) == "$chunks" ]] || fail "not $chunks chunks in the page"
  grep -q '<dt>tokens</dt>' dom.html || fail "no card for the chunk with the focus"
  grep -q 'class="chunk c1 on"' dom.html || fail "the chunk with the focus is not marked"
}

# A signal is an orderly end: what was accepted is in the index, and the index is free for the next process.
service_signal() {
  local signal pid
  for signal in TERM INT; do
    rm -rf signal.db* signal.in
    mkfifo signal.in
    "$program" signal.db <signal.in >signal.out &
    pid=$!
    exec 3>signal.in
    # One write, which is read at once: whoever has seen the answer knows that the last line is there too.
    printf 'put harbour The harbour wall\nask harbour\nput quay The quay at low water\n' >&3
    for ((i = 0; i < 600; ++i)); do
      if grep -q '^1 answers' signal.out; then break; fi
      sleep 0.05
    done
    kill -s $signal $pid
    wait $pid || fail "exit code $? after SIG$signal"
    exec 3>&-
    tail -n 1 signal.out | grep -q '^2 changes: 2 indexed, .* 0 pending' || fail "SIG$signal: $(cat signal.out)"
    printf 'ask quay\n' | "$program" signal.db >signal.out
    grep -qx 'quay: The quay at low water' signal.out || fail "the index after SIG$signal: $(cat signal.out)"
  done
}

tokenize() {
  local tokenizer="$examples/../src/default_model/data/tokenizer.json" status=0
  printf 'Tides: two a day.' >tokenize.txt
  [[ $("$program" --tokenizer "$tokenizer" tokenize.txt) == "21490 27 1051 40 1157 15" ]] || fail "wrong ids"
  [[ $("$program" --tokenizer "$tokenizer" --count - <tokenize.txt) == 6 ]] || fail "wrong count"
  [[ $("$program" --tokenizer "$tokenizer" --count --json tokenize.txt) == '{"count":6}' ]] || fail "wrong count as JSON"
  [[ $("$program" --tokenizer "$tokenizer" --json tokenize.txt) == \
    '{"ids":[21490,27,1051,40,1157,15],"ranges":[[0,5],[5,6],[7,10],[11,12],[13,16],[16,17]]}' ]] || fail "wrong JSON"
  for arguments in "" "tokenize.txt" "--tokenizer absent.json tokenize.txt" "--tokenizer $tokenizer absent.txt" "--unknown" \
    "--encoding r51k_base tokenize.txt" "--encoding cl100k_base --ranks absent.tiktoken tokenize.txt"; do
    status=0
    # shellcheck disable=SC2086  # arguments are words
    "$program" $arguments >tokenize.out 2>&1 || status=$?
    [[ $status == 2 ]] || fail "tokenize $arguments: exit code $status"
    grep -q '^tokenize: ' tokenize.out || fail "tokenize $arguments: no message"
  done
}

"$check"
