#include "DevicePlatform.h"
#include "TestJumpKernel.h"

int main() {
    return runDeviceTests("OpenCL", [](const string& precision) { testJumpKernel("OpenCL", precision); });
}
