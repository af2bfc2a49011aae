#include "cli/commands/commands.h"

int main(int argc, char** argv) { return undying::cli::run(argc, argv); }
