#pragma once

// The conformance kit: does a stage do what its interface promises? For use inside any test framework, or none:
//
//     TEST(MyEmbedder, Conforms) {
//       const auto findings = ragpipe::testing::CheckEmbedder([] { return std::make_unique<MyEmbedder>("localhost:8080"); });
//       EXPECT_TRUE(findings.empty()) << ragpipe::testing::ToText(findings);
//     }
//
// Every rule has a name and is listed, with the promise that it checks, in the header of its stage. A rule gives at most one
// finding, the first that it comes to. What a stage cannot do and need not is said in the options of the check; rules
// that then say nothing are left out. In every check the rule "STAGE.factory" demands that the factory gives a stage, and
// "STAGE.no_throw" that no call throws ("Exceptions: must not escape").

#include "ragpipe/testing/check_checkpoint.h"
#include "ragpipe/testing/check_chunker.h"
#include "ragpipe/testing/check_embedder.h"
#include "ragpipe/testing/check_source.h"
#include "ragpipe/testing/check_vector_sink.h"
#include "ragpipe/testing/finding.h"
