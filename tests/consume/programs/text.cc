#include "ragpipe/text/wordpiece.h"

int main() { return ragpipe::text::WordPiece::FromJson("not json").ok() ? 1 : 0; }
