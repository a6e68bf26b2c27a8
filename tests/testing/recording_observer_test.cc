#include "ragpipe/testing/recording_observer.h"

#include <absl/status/status.h>
#include <absl/time/time.h>

#include "support/catch.h"

namespace ragpipe::testing {
namespace {

TEST_CASE("RecordingObserver: keeps what it is told, in order") {
  RecordingObserver recorder;
  Observer& observer = recorder;
  RunReport report;
  report.documents.seen = 1;
  observer.OnProgress(report);
  report.documents.seen = 2;
  observer.OnProgress(report);
  DeadLetter letter;
  letter.document_id = "a";
  letter.reason = absl::DataLossError("torn");
  observer.OnDeadLetter(letter);
  observer.OnRetry(Stage::kEmbed, absl::UnavailableError("busy"), 3, absl::Seconds(2));

  REQUIRE(recorder.progress().size() == 2);
  CHECK(recorder.progress()[0].documents.seen == 1);
  CHECK(recorder.progress()[1].documents.seen == 2);
  REQUIRE(recorder.dead_letters().size() == 1);
  CHECK(recorder.dead_letters()[0].document_id == "a");
  CHECK(recorder.dead_letters()[0].reason == absl::DataLossError("torn"));
  REQUIRE(recorder.retries().size() == 1);
  CHECK(recorder.retries()[0].stage == Stage::kEmbed);
  CHECK(recorder.retries()[0].error == absl::UnavailableError("busy"));
  CHECK(recorder.retries()[0].attempt == 3);
  CHECK(recorder.retries()[0].pause == absl::Seconds(2));
}

}  // namespace
}  // namespace ragpipe::testing
