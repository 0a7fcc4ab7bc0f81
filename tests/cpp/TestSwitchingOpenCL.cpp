#include "DevicePlatform.h"
#include "TestSwitching.h"

int main() {
    return runDeviceTests("OpenCL", [](const string& precision) { testSwitching("OpenCL", precision); });
}
