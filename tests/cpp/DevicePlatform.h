#ifndef GENMD_DEVICEPLATFORM_H_
#define GENMD_DEVICEPLATFORM_H_

#include "Testing.h"
#include "genmd/JumpKernel.h"
#include "openmm/Context.h"
#include "openmm/Platform.h"
#include "openmm/VerletIntegrator.h"
#include <cstdlib>
#include <functional>
#include <iostream>
#include <string>

/** The exit status of a test that cannot be run here; CTest shows it as skipped. */
const int TEST_SKIPPED = 77;

/** Get the platform with the kernel library of this build loaded. Throws an OpenMMException where it does not work. */
inline OpenMM::Platform& loadDevicePlatform(const std::string& name) {
    OpenMM::Platform::loadPluginsFromDirectory(getenv("OPENMM_PLUGIN_DIR"));
    OpenMM::Platform& platform = OpenMM::Platform::getPlatformByName(name);
    OpenMM::Platform::loadPluginLibrary(std::string(getenv("GENMD_PLUGIN_DIR")) + "/libOpenMMGenMD" + name + ".so");
    OpenMM::System system;
    system.addParticle(1.0);
    OpenMM::VerletIntegrator integrator(0.001);
    LeakDetectionOff leakDetectionOff; // OpenMM does not free a Context whose initialization fails.
    OpenMM::Context context(system, integrator, platform);
    return platform;
}

/** Run tests in all precisions; returns the exit status. Where GENMD_REQUIRE_<name> is set they may not be skipped. */
inline int runDeviceTests(const std::string& name, const std::function<void(const std::string&)>& tests) {
    std::string reason;
    try {
        OpenMM::Platform& platform = loadDevicePlatform(name);
        if (!platform.supportsKernels({OpenMM::JumpKernel::Name()}))
            throw OpenMM::OpenMMException("the kernel library did not register its kernels");
    } catch (const std::exception& exception) {
        const char* required = getenv(("GENMD_REQUIRE_" + name).c_str());
        bool mustRun = required != nullptr && std::string(required) == "1";
        std::cout << (mustRun ? "FAIL" : "SKIPPED") << ": " << name << " does not work here: " << exception.what()
                  << std::endl;
        return mustRun ? 1 : TEST_SKIPPED;
    }
    return runTests([&] {
        for (const char* precision : {"single", "mixed", "double"}) {
            std::cout << name << ", " << precision << " precision" << std::endl;
            OpenMM::Platform::getPlatformByName(name).setPropertyDefaultValue("Precision", precision);
            tests(precision);
        }
    });
}

#endif /*GENMD_DEVICEPLATFORM_H_*/
