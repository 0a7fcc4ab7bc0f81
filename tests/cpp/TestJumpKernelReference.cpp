#include "TestJumpKernel.h"

int main() {
    return runTests([] { testJumpKernel("Reference", "double"); });
}
